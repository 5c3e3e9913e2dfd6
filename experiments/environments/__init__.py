"""Environments: a finished run's market as a world in which an agent of the user's acts.

`SessionEnv` is a gymnasium environment: an agent orders the candidates of one shopper's searches
after another's.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.environments.sessionenv import SessionEnv as SessionEnv
else:
    __all__, __getattr__ = exporter(__name__, __file__)
