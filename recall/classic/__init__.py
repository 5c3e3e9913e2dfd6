"""The classic channels: by words, by vectors, by co-occurrence, by popularity, and at random."""
