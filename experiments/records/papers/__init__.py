"""What papers report of their own shops, to be held beside ours."""
