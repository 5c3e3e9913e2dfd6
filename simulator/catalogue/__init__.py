"""What is on sale, generated: taxonomy, attributes, titles, and what is true of each item."""
