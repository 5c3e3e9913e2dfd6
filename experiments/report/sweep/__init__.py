"""The page of a sweep: lift as a curve or a surface over the settings, drawn from sweep.json."""
