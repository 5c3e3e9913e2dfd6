"""Sets that scorers of pairs are tried on, and measures of what scorers make of them."""
