"""Credit: how rules divide the events of one log among the channels that found their items."""
