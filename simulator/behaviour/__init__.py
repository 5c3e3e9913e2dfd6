"""What shoppers do with a page: look, click, choose; drawn, and in expectation."""
