"""Designs that split the supply: items, or shoppers and items."""
