"""Hand-written CPU kernels, each beside its plain-torch twin; nothing of the method is in here."""
