"""What the parts of a scorecard share: the metrics of a log, and one pass over its units."""

from dataclasses import dataclass

import duckdb

from experiments.analyze.logunits import COVARIATE, TABLE, LogUnits
from experiments.analyze.settings import LogMetric, LogSpec
from experiments.inference.reduction.arm import Sample
from experiments.inference.reduction.cuped import PRE
from experiments.inference.reduction.unittable import UnitTable
from experiments.records.experiment.scorecard import Role
from experiments.records.metrics import Contrast


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
        ratios: what is estimated of each.
        roles: what each is for; the one that decides is primary, named so or not.
        contrasts: every treatment against control.
        table, sample: the units, and their statistics.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, units: LogUnits, spec: LogSpec
    ) -> None:
        self.connection, self.units, self.spec = connection, units, spec
        self.metrics: dict[str, LogMetric] = {each.name: each for each in spec.metrics}
        self.ratios = {name: LogRatio(name, name, each.over) for name, each in self.metrics.items()}
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
        """The metrics that are to be better."""
        return [name for name, role in self.roles.items() if role in ("primary", "success")]
