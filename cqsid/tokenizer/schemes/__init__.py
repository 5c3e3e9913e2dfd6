"""Identifier schemes: CQ-SID, its rivals and its variants on one interface."""
