"""Estimates for experiments whose arms touch each other: through stock, learning, or any state."""
