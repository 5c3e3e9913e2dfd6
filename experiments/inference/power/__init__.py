"""How large and how long a test must be: power by formula and by simulation, and growth by day."""
