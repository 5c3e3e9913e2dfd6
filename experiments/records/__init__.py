"""The public JSON of every command: frozen rows, written and read strictly."""
