"""The report of a run: one self-contained HTML page, written from the run's JSON files alone."""

from experiments.report.run.page import write_report

__all__ = ["write_report"]
