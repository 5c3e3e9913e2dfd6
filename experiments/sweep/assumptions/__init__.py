"""The comparison over worlds drawn from ranges of what nobody knows, and what it hangs on."""
