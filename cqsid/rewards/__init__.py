"""Rewards: what a generated id is worth for a logged request."""
