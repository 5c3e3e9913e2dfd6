"""A log of the user's own beside the simulated one: the rung that only such a log can climb.

A TOML file says where its tables are and which column holds what. What cannot be compared is
found, named and left out, or refused; the rest is compared in marginals, by a classifier that tries
to tell the two logs apart, and by how well click models foretell the clicks of each.
"""
