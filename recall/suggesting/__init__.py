"""Suggestions: texts that a shopper may ask next, before the first query or after a page."""
