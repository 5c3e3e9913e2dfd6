"""What a run keeps: content-addressed stages, their keys, how they are made, and files."""
