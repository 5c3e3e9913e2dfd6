"""What the parts of a scorecard share: the metrics of a log, and one pass over its units."""

from dataclasses import dataclass
from functools import cached_property

import duckdb

from experiments.analyze.reading.logunits import COVARIATE, TABLE, LogUnits
from experiments.analyze.reading.rowsql import numbers_of_rows, row_values
from experiments.analyze.settings import LogMetric, LogSpec
from experiments.inference.estimates import Level, levels
from experiments.inference.reduction.arm import Sample
from experiments.inference.reduction.cuped import PRE
from experiments.inference.reduction.unittable import UnitTable
from experiments.inference.scorecard.quantiles import Quantiles, quantiles
from experiments.records.experiment.scorecard import Role
from experiments.records.metrics import Contrast

_DECIDE = ("primary", "success", "guardrail")


@dataclass(frozen=True)
class LogRatio:
    """A metric of the log as `estimates` take one; see `inference.metrics.Ratio`."""

    name: str
    numerator: str
    denominator: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the table of units."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)


class Facts:
    """A log's units, its metrics by name, and their statistics by arm.

    Attributes:
        connection, units, spec: see `scoring.score`.
        metrics: settings of each.
        ratios: what is estimated of each that is a sum, or one over another.
        roles: what each is for; the one that decides is primary, named so or not.
        contrasts: every treatment against control.
        table, sample: the units, and their statistics.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, units: LogUnits, spec: LogSpec
    ) -> None:
        self.connection, self.units, self.spec = connection, units, spec
        self.metrics: dict[str, LogMetric] = {each.name: each for each in spec.metrics}
        self.ratios = {
            name: LogRatio(name, name, each.over)
            for name, each in self.metrics.items()
            if each.quantile is None
        }
        self.roles: dict[str, Role] = {
            name: "primary" if name == spec.primary else each.role
            for name, each in self.metrics.items()
        }
        self.contrasts: list[Contrast] = [(units.arms[0], arm) for arm in units.arms[1:]]
        self.table = UnitTable(connection, f"SELECT * FROM {TABLE}")
        before = [PRE + name for name in units.before]
        covariates = [COVARIATE + name for name in spec.covariates]
        self.sample: Sample = self.table.sample([*self.ratios, *before, *covariates])

    def has_before(self, name: str) -> bool:
        """Whether all of a metric is known of the time before."""
        return all(column in self.units.before for column in self.ratios[name].columns)

    @property
    def successes(self) -> list[str]:
        """The metrics that are to be better, quantiles left out."""
        return [name for name in self.ratios if self.roles[name] in ("primary", "success")]

    @property
    def decisive(self) -> list[str]:
        """These, and those that must not suffer."""
        return [name for name in self.ratios if self.roles[name] in _DECIDE]

    @cached_property
    def quantiles(self) -> dict[str, Quantiles]:
        """By name, the metrics that are quantiles of rows."""
        with numbers_of_rows():
            return {
                name: quantiles(
                    self.connection, row_values(metric, self.spec), quantile=metric.quantile
                )
                for name, metric in self.metrics.items()
                if metric.quantile is not None
            }

    def pair(self, name: str, contrast: Contrast) -> tuple[Level, Level] | None:
        """Plain levels of a metric in control and treatment, where there are any."""
        if name in self.quantiles:
            levels_ = self.quantiles[name].levels
            one, two = (levels_.get(arm) for arm in contrast)
            return None if one is None or two is None else (one, two)
        one_arm, two_arm = (self.sample.whole[arm].whole for arm in contrast)
        return levels(self.ratios[name], (one_arm, two_arm))[0]
