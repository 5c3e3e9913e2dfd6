"""What a shop knows of its items, of the words of queries, and of what came of both before."""
