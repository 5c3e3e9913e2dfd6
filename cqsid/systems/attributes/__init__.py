"""Product understanding by the text writer: it writes what a shop does not publish (PUMGPT)."""
