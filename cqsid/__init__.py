"""Semantic ids and the generative channel CQ-SID: not here yet.

The package holds the place in the layers (between `ranking` and `experiments`). It has no modules
so far, and no config can name a generative channel.
"""

__all__: list[str] = []
