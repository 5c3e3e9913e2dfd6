"""A run: from settings through populations, models and worlds to its results."""
