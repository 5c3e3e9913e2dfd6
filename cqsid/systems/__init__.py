"""Systems of the field that need the language model, each in a room of its own."""
