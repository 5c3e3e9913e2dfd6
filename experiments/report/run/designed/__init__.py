"""Sections that only runs of some designs have."""
