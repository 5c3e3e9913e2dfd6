"""Stage four: the generator learns from rewards (EG-GRPO and its relatives)."""
