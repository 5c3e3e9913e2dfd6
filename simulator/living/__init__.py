"""How a world goes on: arrivals, sessions planned in waves, and events that touch others."""
