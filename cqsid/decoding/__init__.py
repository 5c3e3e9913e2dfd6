"""From prompts to items: beam search over the ids that exist, and the shelves behind them."""
