"""Experiments: settings, runs, truth, inference, reports, and the command `funnelab`.

What the command does can be done from Python: `load_config` reads and checks settings,
`run_experiment` carries them through all stages into a run folder. A `Metric` is a numerator and
a denominator.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.config.loading import load_config as load_config
    from experiments.config.schema import Config as Config
    from experiments.inference.metrics import Metric as Metric
    from experiments.running.run import run_experiment as run_experiment
    from experiments.stages.progress import NoProgress as NoProgress
else:
    __all__, __getattr__ = exporter(__name__, __file__)
