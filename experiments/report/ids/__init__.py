"""The page of the id bench."""
