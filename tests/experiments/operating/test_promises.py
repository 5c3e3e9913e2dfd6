"""What tests promise is so: a thousand splits of eight designs, and two hundred worlds.

Seeds are those of the settings, so figures are the same each time. Rates are held to the exact
binomial interval of so many independent tests.
"""

from pathlib import Path

import pytest
from scipy import stats

from experiments.operating.run import calibrate_config
from experiments.operating.study import DESIGNS
from experiments.records.experiment.operating import Characteristic, Operating, Question
from experiments.records.reading import read_record, row_of, rows_of
from experiments.stages.progress import NoProgress
from tests.experiments.small_runs import small_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7_200)]  # beside other work, too
REDRAWS, WORLDS, LEVEL = 1_000, 200, 0.05

MANY = (
    "catalog.items=3000",
    "catalog.categories=300",
    "queries.intents=3000",
    "queries.frequency_exponent=0.3",
    "shoppers.count=2000",
    "world.days=14",
    "truth.seeds=0",
)
"""A shop large enough for every design: 541 clusters of queries, 7 pairs of days."""


def calibrated(folder: Path, *overrides: str, redraws: int, worlds: int) -> Operating:
    calibrate_config(
        small_config(*overrides),
        folder,
        progress=NoProgress(),
        command="a test",
        redraws=redraws,
        worlds=worlds,
    )
    return read_record(Operating, folder)


def within(row: Characteristic, rate: float) -> bool:
    """Whether a rate lies in the 99 % interval of so many independent tests."""
    low, high = stats.binom.interval(0.99, row.repetitions, rate)
    assert row.value.estimate is not None
    return bool(low <= round(row.value.estimate * row.repetitions) <= high)


def rates(record: Operating, question: Question) -> dict[tuple[str, str], Characteristic]:
    rows = rows_of(record.rows, question=question, known_fault=False)
    return {(row.design, row.metric): row for row in rows}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Operating:
    return calibrated(tmp_path_factory.mktemp("many") / "run", *MANY, redraws=REDRAWS, worlds=0)


@pytest.mark.parametrize("design", DESIGNS)
def test_every_designs_test_of_the_primary_metric_errs_as_often_as_it_promises(
    many: Operating, design: str
) -> None:
    row = rates(many, "false_positive_rate")[design, many.primary]
    assert row.repetitions == REDRAWS
    assert within(row, LEVEL), row


def test_so_does_that_of_every_other_metric(many: Operating) -> None:
    found = rates(many, "false_positive_rate")
    assert {place for place, row in found.items() if not within(row, LEVEL)} == set()


def test_intervals_of_shoppers_hold_what_they_estimate_in_93_to_97_percent(
    many: Operating,
) -> None:
    found = rates(many, "coverage_naive")
    for metric in ("gmv", "orders", "uctcvr"):
        estimate = found["shopper", metric].value.estimate
        assert estimate is not None
        assert 0.93 <= estimate <= 0.97, metric


def test_exposures_as_units_call_far_too_often(many: Operating) -> None:
    fault = row_of(many.rows, known_fault=True, question="false_positive_rate")
    assert fault is not None
    assert fault.value.low is not None
    assert fault.value.low > 0.2


@pytest.fixture(scope="module", params=["shopper", "switchback"])
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Operating:
    folder = tmp_path_factory.mktemp(request.param) / "run"
    design = () if request.param == "shopper" else ("design.type=switchback", "truth.seeds=0")
    return calibrated(folder, "world.days=8", *design, redraws=0, worlds=WORLDS)


def test_worlds_without_an_effect_are_called_as_often_as_promised(worlds: Operating) -> None:
    """For every metric, and with p-values that are even."""
    for place, row in rates(worlds, "false_positive_rate").items():
        assert row.repetitions == WORLDS
        assert within(row, LEVEL), place
    for place, row in rates(worlds, "uniformity").items():
        assert row.p_value is not None
        assert row.p_value > 0.01, place


def test_worlds_with_an_effect_are_covered_as_often_as_promised(worlds: Operating) -> None:
    """By intervals of what the tests estimate."""
    for place, row in rates(worlds, "coverage_naive").items():
        assert within(row, 1 - LEVEL), place


def test_in_worlds_too_exposures_as_units_fail(worlds: Operating) -> None:
    fault = row_of(worlds.rows, known_fault=True, question="false_positive_rate")
    if worlds.design == "shopper":
        assert fault is not None
        assert fault.value.low is not None
        assert fault.value.low > 2 * LEVEL
    else:
        assert fault is None
