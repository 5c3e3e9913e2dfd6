"""The days before the experiment: a shop without a log, and the ramp of what is new in it."""
