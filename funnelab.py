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
    from experiments.analyze.run import analyze
    from experiments.analyze.shown import Analysis
    from experiments.notebook.making import run, sweep
    from experiments.notebook.results import Results, open_run
    from experiments.notebook.shown import Picture
else:
    __all__, __getattr__ = exporter(__name__, __file__)
