"""The id bench: identifier schemes side by side, on requests that nobody learned from."""
