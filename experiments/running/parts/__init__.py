"""What channels read and are made of beside other channels: filled catalogues, judges, steps."""
