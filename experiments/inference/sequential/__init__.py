"""Looking at a running experiment early: confidence sequences, group-sequential tests, peeking."""
