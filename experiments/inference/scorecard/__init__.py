"""The scorecard: what a platform shows beside the primary estimates, and what follows from it."""
