"""Augmentation: pairs of a text and an item that no log holds, for channels that learn of pairs."""
