"""The language model that writes ids: its texts, prompts and forward pass."""
