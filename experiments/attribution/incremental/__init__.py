"""Incrementality: what is lost without a channel, by replay and in worlds that are lived again."""
