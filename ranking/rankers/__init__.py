"""Rankers: from the candidates of a request to their scores."""
