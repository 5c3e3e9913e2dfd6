"""Designs: which unit of an experiment sees which arm."""
