"""Quantizers: from item vectors to codes."""
