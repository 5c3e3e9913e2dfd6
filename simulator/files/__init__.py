"""The user's own catalogue and human judgments, read from files and checked."""
