"""The commands of `funnelab`, one a file: options, and what is printed of what they do."""
