"""Rows within values of any form, such as what a model tells of its training."""
