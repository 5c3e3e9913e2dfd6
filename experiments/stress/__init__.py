"""Stress sets: made-up requests that show where a scorer of texts and items breaks."""
