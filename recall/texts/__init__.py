"""The words of queries and items, their features, and answers that depend on a text alone."""
