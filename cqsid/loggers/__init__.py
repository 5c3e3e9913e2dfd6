"""Where the figures of a training go, step by step: one protocol, the common trackers behind it."""
