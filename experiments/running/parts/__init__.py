"""Training of steps: what channels are made of beside other channels and judges."""
