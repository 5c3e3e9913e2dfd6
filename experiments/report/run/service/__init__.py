"""What went through the funnels, how late pages were, why sessions ended: by arm and apart."""
