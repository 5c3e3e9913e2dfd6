"""What the sessions of a world bring in expectation, over all luck that arms do not share."""
