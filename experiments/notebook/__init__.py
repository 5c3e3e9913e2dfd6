"""What is done with funnelab in Python: experiments run, finished ones opened as data frames."""
