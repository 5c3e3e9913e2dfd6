"""XML files: their text as a stream, and the records in it."""
