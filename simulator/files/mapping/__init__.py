"""Which column of a user's file holds what: told by layouts, names and values."""
