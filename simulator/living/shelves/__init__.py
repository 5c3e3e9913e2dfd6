"""Shelves: how much of an item is left, whose part it is, and when more is ordered."""
