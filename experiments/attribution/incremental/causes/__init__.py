"""Why re-simulated worlds tell another leave-one-out value than a replay of logged requests."""
