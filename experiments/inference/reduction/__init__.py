"""Variance reduction: what narrows an interval without changing what it estimates."""
