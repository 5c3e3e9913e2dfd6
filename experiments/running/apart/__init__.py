"""Models asked apart from any funnel: queries that people have graded, and stress sets."""
