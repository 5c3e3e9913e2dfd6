"""Graded pairs of texts and items, bought of simulated annotators: the second door to the truth."""
