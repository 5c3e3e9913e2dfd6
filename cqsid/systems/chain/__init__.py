"""Chain judges: a language model that writes verdicts and a grade (TaoSR1 and its relatives)."""
