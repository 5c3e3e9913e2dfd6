"""Intervals: Student's, those over seeds, lucks and shoppers, and luck that groups share."""
