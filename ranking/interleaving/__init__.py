"""Pages that two arms fill in turns, so that a shopper compares them without knowing it."""
