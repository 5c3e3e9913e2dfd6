"""The page of `funnelab validate`."""
