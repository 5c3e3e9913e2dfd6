"""What is true of a change: what it brings when everybody gets it, and what any recall could."""
