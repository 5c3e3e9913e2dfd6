"""Who comes, what they want, and in which words they ask."""
