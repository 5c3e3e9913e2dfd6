"""Who or what sees which arm in the experiment of a run, and what its log knows of it."""
