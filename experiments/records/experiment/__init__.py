"""The public JSON of experiments that need not be simulated, such as a scorecard."""
