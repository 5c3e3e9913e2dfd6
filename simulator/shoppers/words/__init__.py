"""How needs are put into words: wordings, other spellings, and slips of the keys."""
