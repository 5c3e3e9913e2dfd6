"""What each channel contributes: credit by rule over one log, and what would be lost without it."""
