"""What the report says of the catalogue."""
