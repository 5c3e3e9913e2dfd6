"""A user's file as a table of plain values: text, cells, numbers, moments, and what is wrong."""
