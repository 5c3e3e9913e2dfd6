"""Experiments: settings, runs, truth, inference, reports, and the command `funnelab`.

What the command does can be done from Python: `load_config` reads and checks settings,
`run_experiment` carries them through all stages into a run folder. A `Metric` is a numerator and
a denominator.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.config import Config, load_config
    from experiments.metrics import Metric
    from experiments.progress import NoProgress
    from experiments.run import run_experiment
else:
    __getattr__ = exporter(
        __name__,
        {
            "config": "Config load_config",
            "metrics": "Metric",
            "progress": "NoProgress",
            "run": "run_experiment",
        },
    )

__all__ = ["Config", "Metric", "NoProgress", "load_config", "run_experiment"]
