"""Pairs of truth worlds as effects are made of them: totals of shoppers, and luck they share."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from experiments.inference.intervals.shared import Shared
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import Metric
from experiments.inference.units import exposed_shoppers
from experiments.inference.worldtotals import Floats, WorldTotals, read_world
from experiments.records.truth import Method
from experiments.truth.categories import Pair, Worlds, read_categories, shared
from experiments.truth.expected import (
    PREFIX,
    STATE_PREFIX,
    expected_shoppers,
    is_compared,
    is_followed,
)
from simulator.errors import DataError
from simulator.following.tally import LOST

_WORLDS = ("control", "treatment")


@dataclass(frozen=True)
class Pairs:
    """Worlds with everybody in control and their twins with everybody in treatment.

    Attributes:
        totals: of every shopper in both, one pair for each of S lucks.
        method: whether what is expected of shoppers is known.
        with_parts: whether it is known what control's pages would bring in the treatment's worlds.
        categories: the only pair by category; None with several, and where it was not followed so.
    """

    totals: WorldTotals
    method: Method
    with_parts: bool
    categories: Worlds | None

    def realised(self, metric: Metric) -> Pair:
        """What was really clicked and bought."""
        return self._terms(metric, "")

    def terms(self, metric: Metric) -> Pair:
        """What the effect is told of: expected where that is known, realised else."""
        return self._terms(metric, PREFIX if self.method == "expected" else "")

    def _terms(self, metric: Metric, prefix: str) -> Pair:
        top_WSU = self.totals.of(prefix + metric.numerator)
        bottom_WSU = np.stack([self.totals.exposed_SU] * 2)
        if metric.denominator is not None:
            bottom_WSU = self.totals.of(prefix + metric.denominator)
        return top_WSU[1], bottom_WSU[1], top_WSU[0], bottom_WSU[0]

    def shared(self, metric: Metric) -> Shared | None:
        """The part of the effect in which those who want one category may share luck."""
        if self.categories is None:
            return None
        exposed_U = self.totals.exposed_SU[0]
        return shared(metric, self._shoppers(metric), exposed_U, self.categories)

    def _shoppers(self, metric: Metric) -> Worlds:
        """The first pair of worlds by shopper."""

        def columns(world: str, prefix: str, losses: bool = True) -> dict[str, Floats]:
            found = {}
            for name in metric.columns:
                found[name] = self.totals.of(prefix + name, [world])[0, 0]
                if name in LOST:
                    lost_U = self.totals.of(f"lost_{name}", [world])[0, 0]
                    found[f"lost_{name}"] = lost_U if losses else np.zeros_like(lost_U)
            return found

        beside = columns("treatment", STATE_PREFIX, losses=False) if self.with_parts else None
        return Worlds(columns("control", PREFIX), columns("treatment", PREFIX), beside)


@contextmanager
def read_pairs(
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    columns: Collection[str],
    method: Method,
    spec: EngineSpec | None = None,
) -> Iterator[Pairs]:
    """Read pairs of worlds; their totals can be asked for in the block.

    Args:
        control_logs: the world with everybody in control, one log for each seed.
        treatment_logs: its twin with everybody in treatment, in the same order.
        columns: of the unit table, that metrics need.
        method: "expected" needs worlds that were followed.
        spec: threads and memory.

    Raises:
        DataError: there are no worlds, or not as many of one kind as of the other, or what is
            expected of them is not there.
    """
    if not control_logs or len(control_logs) != len(treatment_logs):
        raise DataError(
            f"truth worlds == {len(control_logs)} of control and {len(treatment_logs)} of "
            "treatment, must be as many of each and > 0"
        )
    with_parts = method == "expected" and all(is_compared(log) for log in treatment_logs)
    with engine(spec or EngineSpec()) as connection:
        for name, logs in zip(_WORLDS, (control_logs, treatment_logs), strict=True):
            select = partial(exposed_shoppers, columns=columns)
            if method == "expected":
                _check_followed(logs)
                beside = with_parts and name == "treatment"
                select = partial(expected_shoppers, columns=columns, beside=beside)
            read_world(connection, name, logs, select)
        totals = WorldTotals(connection, list(_WORLDS), len(control_logs))
        categories = None
        if method == "expected" and len(control_logs) == 1:
            categories = read_categories(control_logs[0], treatment_logs[0])
        yield Pairs(totals, method, with_parts, categories)


def _check_followed(logs: Sequence[Path]) -> None:
    for log in logs:
        if not is_followed(log):
            raise DataError(
                f"{log.parent} == a world that was not followed, must hold what is expected of it "
                "(truth.method = 'expected'), or choose truth.method = 'realised'"
            )
