"""The demand side of a market from a log of the user's own, by likelihood: `calibrate-market`."""
