"""Designs: which unit of an experiment sees which arm, and where settings that are drawn lie."""
