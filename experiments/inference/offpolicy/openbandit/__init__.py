"""Logs in Open Bandit form: read, checked, and asked about other policies."""
