"""What follows on pages that differ between arms, and what it makes of everybody."""
