"""The log: its tables, how it is written, and how models may read it."""
