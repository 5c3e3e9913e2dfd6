"""The page of the reward lab."""
