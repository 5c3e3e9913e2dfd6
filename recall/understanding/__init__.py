"""Product understanding: guesses of what a shop's catalogue does not publish of its items."""
