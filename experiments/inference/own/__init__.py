"""Metrics of a user's own, from SQL or Python over the tables of a log."""
