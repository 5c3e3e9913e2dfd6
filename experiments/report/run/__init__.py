"""The page of an A/B run."""
