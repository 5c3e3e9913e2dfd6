"""Servers of a channel that are busy: the traffic that they get, and the queue that it makes."""
