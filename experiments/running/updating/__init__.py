"""Models that are trained anew while a world is lived, every so many days, from the log so far."""
