"""cqsid."""
