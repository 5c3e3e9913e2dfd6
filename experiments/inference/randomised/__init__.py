"""Estimates of experiments whatever they randomise: sessions, requests, clusters, times, slots."""
