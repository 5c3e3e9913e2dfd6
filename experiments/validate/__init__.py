"""Whether a simulated market can be believed: the ladder of `funnelab validate`.

Each rung is a function from `Evidence` (the logs of a run, and what is known of their making) to
rows of `Check`, listed in `run.RUNGS`. What only a user's own log or past experiments can tell is a
rung of its own, and takes its place there.
"""
