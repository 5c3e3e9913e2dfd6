"""Looks at made-up experiments."""

import numpy as np

from experiments.inference.sequential.looks import ArmLooks, Looks


def looks_like(effect, *, error=0.1, units=None, level=1.0):
    """Looks with these effects, level of control and standard error of the first of them.

    The error falls with the root of the units, which grow by 100 in each arm from look to look.
    """
    effect = np.asarray(effect, float)
    units = 100.0 * np.arange(1, len(effect) + 1) if units is None else np.asarray(units, float)
    error = error / np.sqrt(2) * np.sqrt(units[0] / units)
    control = ArmLooks(units, np.full(len(effect), float(level)), error)
    return Looks(np.arange(1.0, len(effect) + 1), control, ArmLooks(units, level + effect, error))
