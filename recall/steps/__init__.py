"""Steps: parts of a run that channels lean on, or that are measured by themselves."""
