"""funnelab from Python: what is public, by name, loaded when it is first asked for.

Example:
    An experiment, and what it found beside the truth::

        import funnelab

        run = funnelab.run("demo")  # or open_run("runs/demo")
        run.truth[["metric", "relative", "relative_low", "relative_high"]]

    The scorecard of an experiment in a data frame::

        card = funnelab.analyze(frame, rows="units", metrics=["orders"], control="old")
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.analyze.run import analyze as analyze
    from experiments.analyze.shown import Analysis as Analysis
    from experiments.notebook.following import attribute as attribute, power as power
    from experiments.notebook.making import rewards as rewards, run as run, sweep as sweep
    from experiments.notebook.results import Results as Results, open_run as open_run
    from experiments.notebook.shown import Picture as Picture
else:
    __all__, __getattr__ = exporter(__name__, __file__)
