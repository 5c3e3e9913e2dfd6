"""Click models fitted to a log by expectation-maximisation, and how well each of them foretells."""
