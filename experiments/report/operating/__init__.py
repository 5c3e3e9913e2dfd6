"""The page of `funnelab calibrate`."""
