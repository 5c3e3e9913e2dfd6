"""What `funnelab data` does: checks the files of a user's catalogue, and maps their columns."""
