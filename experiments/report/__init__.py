"""The report of a run: one self-contained HTML page, written from the run's JSON files alone."""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from experiments.report.run.page import write_report as write_report
else:
    __all__, __getattr__ = exporter(__name__, __file__)
