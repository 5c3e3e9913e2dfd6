"""The conformance suite of a metric of a user's own; `funnelab check metric` runs it too."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.inference.own.estimating import Exposed, own_estimates, statistic_of
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.own.rows import Rows, rows_of
from experiments.inference.own.samplelog import ARMS, write_sample_log
from experiments.inference.own.tables import open_tables
from recall.sampleshop import sample_catalog
from simulator.calling import TimeLimitError
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.plugins import Violation


def check_metric(metric: OwnMetric, catalog: Catalog | None = None) -> list[Violation]:
    """Every way in which a metric breaks the contract; [] if none.

    It is asked about a sample log, about the same again, and about a log in which nothing happened;
    its rows must be of shoppers of the log, its numbers finite, and it must have an error.

    Args:
        metric: its settings.
        catalog: the items of the log; the sample shop's where there are none.
    """
    items = catalog if catalog is not None else sample_catalog()
    try:
        made = metric.made()
    except ContractError as error:
        return [_violation("metric", error, "be made")]
    valued = statistic_of(metric, made) is not None
    with tempfile.TemporaryDirectory(prefix="funnelab-") as folder:
        log = write_sample_log(Path(folder) / "log", items)
        empty = write_sample_log(Path(folder) / "empty", items, 0)

        def asked(which: Path) -> Rows:
            with open_tables(which, items) as tables:
                return rows_of(metric, made, tables, valued=valued)

        first, problem = _tried("rows", lambda: asked(log))
        if first is None:
            return problem
        found = [*_tried("rows of a log without events", lambda: asked(empty))[1]]
        again, problem = _tried("rows asked again", lambda: asked(log))
        found += problem
        if again is not None and not _same(first, again):
            found.append(Violation("rows asked again", "other rows", "be a function of the log"))
        with open_tables(log, items) as tables:
            strangers = first.shopper_N[Exposed.of(tables).place(first.shopper_N) < 0]
        if len(strangers):
            wanted = "be one with a request in the log"
            found.append(Violation("shopper", str(int(strangers[0])), wanted))
        return found or _estimated(metric, log, items)


def _estimated(metric: OwnMetric, log: Path, items: Catalog) -> list[Violation]:
    """Whether it has an estimate with an error on the sample log."""
    made, problem = _tried(
        "estimate", lambda: own_estimates([metric], log, None, items, [ARMS], confidence=0.95)
    )
    if made is None:
        return problem
    ((row, reason),) = made
    ends = row.effect.ends
    if ends is not None and all(map(math.isfinite, ends)):
        return []
    return [Violation("estimate", f"no interval ({reason})", "have an error on the sample log")]


def _tried(place: str, ask: Callable[[], Any]) -> tuple[Any, list[Violation]]:
    try:
        return ask(), []
    except ContractError as error:
        return None, [_violation(place, error, "keep the contract")]


def _violation(place: str, error: ContractError, wanted: str) -> Violation:
    if isinstance(error, TimeLimitError):
        return Violation.raised(place, error, wanted)
    return Violation(place, str(error), wanted)


def _same(one: Rows, other: Rows) -> bool:
    """Equal rows, whatever the order in which they came."""
    return all(
        np.array_equal(a, b) if a is not None and b is not None else a is b
        for a, b in (
            (one.shopper_N, other.shopper_N),
            (one.numerator_N, other.numerator_N),
            (one.denominator_N, other.denominator_N),
        )
    )
