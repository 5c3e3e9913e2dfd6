"""Truths by kind of search: how common its text is, and how it is worded."""
