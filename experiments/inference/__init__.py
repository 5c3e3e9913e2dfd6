"""Statistics: from logs to units, metrics, estimates, intervals, truth and health."""
