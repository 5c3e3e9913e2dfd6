"""The user's own past experiments beside what the simulator says of the same changes.

No other rung can replace this one: it alone asks whether simulated lifts come true.
"""
