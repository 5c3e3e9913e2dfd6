"""What a log says beside its estimates: whether to believe them, and how the service differs."""
