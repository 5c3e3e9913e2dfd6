"""Finished runs for other tools: tables, UBI, logged bandits, preferences, LaTeX."""
