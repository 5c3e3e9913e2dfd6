"""Settings: read from TOML, checked, explained, written back."""
