"""The built-in catalogue steps, and what the learned one is made of."""
