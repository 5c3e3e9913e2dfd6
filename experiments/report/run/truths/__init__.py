"""The sections on what is true: headroom, effects by kind of search, effects early and late."""
