"""`funnelab power`: what is asked, the numbers that a run or a log has for it, and the record."""
