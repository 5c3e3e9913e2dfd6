"""Shoppers as rows of the unit table are tested as a run tests them; units can be joined."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.designs.layout import FIRST_OF_SESSION, Layout
from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.byunit import joined, of_shoppers
from experiments.inference.randomised.cells import UNITS
from experiments.inference.randomised.redrawn import outcomes, redrawn
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.logs import ARMS, write_log
from tests.experiments.inference.rearmed import table

EVERY = tuple(METRICS.values())


@dataclass(frozen=True)
class AsLogged:
    arms: dict[int, int]

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return np.array([self.arms[unit] for unit in unit_U.tolist()], np.int8)


@dataclass(frozen=True)
class Thirds:
    """Every third unit in each of three arms."""

    def assign(self, unit_U: Any, at_U: Any) -> Any:
        return (unit_U % 3).astype(np.int8)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log") / "log"
    return write_log(folder, shoppers=900, days=4, requests=2.0, orders=0.3, lift=0.2)


def arms_of(log: Path) -> dict[int, int]:
    asked = table(log, "requests").groupby("shopper")["arm"].first()
    return dict(zip(asked.index.tolist(), asked.tolist(), strict=True))


def test_a_test_of_the_logs_own_shoppers_is_that_of_the_run_for_every_metric(log: Path) -> None:
    again = redrawn(of_shoppers(log, EVERY), EVERY, [AsLogged(arms_of(log))], confidence=0.9)
    with open_units(log, EVERY) as units:
        arms = units.aggregates(EVERY)
    for at, metric in enumerate(EVERY):
        row, _ = estimate(metric, (ARMS[0], ARMS[1]), arms, confidence=0.9)
        found = (again.effect_RM[0, at], again.low_RM[0, at], again.high_RM[0, at])
        if row.p_value is None:
            assert np.isnan(again.p_RM[0, at])
            continue
        assert found == pytest.approx(row.effect.numbers, rel=1e-9), metric.name
        assert again.p_RM[0, at] == pytest.approx(row.p_value, rel=1e-8)
        assert again.level_RM[0, at] == pytest.approx(row.control, rel=1e-12)


def test_shoppers_of_further_arms_take_no_part(log: Path) -> None:
    made, metrics = of_shoppers(log, EVERY[:2]), EVERY[:2]
    three = redrawn(made, metrics, [Thirds()], confidence=0.95)
    kept = np.flatnonzero(made.unit_U % 3 < 2)
    two = replace(
        made,
        **{name: getattr(made, name)[kept] for name in ("unit_U", "at_U", "group_U", "stratum_U")},
        sums_CU=made.sums_CU[:, kept],
        shoppers=len(kept),
    )
    alone = redrawn(two, metrics, [Thirds()], confidence=0.95)
    for name in ("level_RM", "effect_RM", "low_RM", "high_RM", "p_RM"):
        assert getattr(three, name) == pytest.approx(getattr(alone, name), rel=1e-12)


def test_texts_that_are_joined_to_clusters_are_the_clusters_of_the_log(log: Path) -> None:
    common = "x", "x", "sessions", FIRST_OF_SESSION
    of_texts = outcomes(log, Layout(*common, "text", "text"), EVERY[:2])
    by_hand = joined(of_texts, of_texts.unit_U % 2)
    halves = outcomes(log, Layout(*common, "text % 2", "text % 2"), EVERY[:2])
    for name in ("unit_U", "at_U", "group_U", "stratum_U"):
        assert np.array_equal(getattr(by_hand, name), getattr(halves, name))
    assert by_hand.sums_CU == pytest.approx(halves.sums_CU)
    assert by_hand.of(UNITS).sum() == of_texts.of(UNITS).sum()


def test_units_of_several_strata_are_not_joined(log: Path) -> None:
    layout = Layout("x", "x", "sessions", FIRST_OF_SESSION, "text", "text", stratum="day")
    made = outcomes(log, layout, EVERY[:2])
    with pytest.raises(DataError, match="strata == 4, must be 1 where units are joined"):
        joined(made, made.unit_U)


def test_a_folder_that_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no manifest\.json"):
        of_shoppers(tmp_path, EVERY[:1])
