"""The page of `funnelab power`."""
