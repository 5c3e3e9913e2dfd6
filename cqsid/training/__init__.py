"""The generator's training stages."""
