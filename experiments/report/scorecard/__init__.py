"""The page of a scorecard: what an experiment says, and what to do about it."""
