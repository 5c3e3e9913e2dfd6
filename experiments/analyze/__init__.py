"""Experiments that were not simulated: a log of the user's own, analysed like a simulated one."""
