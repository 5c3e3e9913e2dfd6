"""The statistics of the lab: gains, lifts, contrasts, trust, hacking, and the record they make."""
