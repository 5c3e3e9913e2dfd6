"""funnelab from Python: what is public, by name, loaded when it is first asked for.

Example:
    The scorecard of an experiment in a data frame::

        import funnelab

        card = funnelab.analyze(frame, rows="units", metrics=["orders"], control="old")
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.analyze.run import analyze
    from experiments.analyze.shown import Analysis
else:
    __all__, __getattr__ = exporter(__name__, __file__)
