"""How often the test of an experiment is wrong, and how wrong, from many of its kind."""
