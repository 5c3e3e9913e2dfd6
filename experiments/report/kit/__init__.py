"""What every page is made of: markup, tables, words, scales and pictures."""
