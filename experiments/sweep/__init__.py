"""Sweeps: one comparison under many settings, each cell an ordinary run, all on one store."""
