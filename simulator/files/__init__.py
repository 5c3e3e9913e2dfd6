"""The user's own catalogue, human judgments and queries, read from files and checked."""
