"""From rewards to a loss: advantages, credit, ratios and terms, as pure functions."""
