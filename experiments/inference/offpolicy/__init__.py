"""What a policy would bring, from the log of another one: estimators, support, and refusal."""
