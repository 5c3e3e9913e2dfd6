"""Channels that are made of other parts of a run, such as another channel and a judge."""
