"""Channels that ask a search service over the network, and keep what it answered."""
