"""Intervals: Student's, those over seeds and shoppers at once, and luck that groups share."""
