"""Relevance judges that need no language model, and the suite that every judge must pass."""
