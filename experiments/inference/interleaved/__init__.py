"""What pages that two arms have filled tell of each arm, beyond the credit of its slots."""
