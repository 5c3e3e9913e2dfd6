"""What models are worth, asked apart from any funnel: judges, and scorers on stress sets."""
