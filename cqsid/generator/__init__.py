"""The language model that writes ids: its texts, prompts, forward pass and training."""
