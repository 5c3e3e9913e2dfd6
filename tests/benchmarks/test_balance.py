"""The table and the picture of the study of market balance, from readings that are made up."""

import re
from pathlib import Path

import pytest

from experiments.config.loading import load_config
from experiments.records.interval import Interval
from experiments.sweep.cells import make_sweep
from experiments.sweep.grid import axes_of
from tests.benchmarks.balance import (
    LEADS,
    NAME,
    PER_DAY,
    SHOWN,
    TRUE,
    Reading,
    expected,
    joined,
    picture,
    shares,
    swept,
    table,
)


def made_up(seeds: int) -> list[Reading]:
    """The mean field, with every test a per cent too high in every second seed."""
    return [
        Reading(PER_DAY * lead, seed, test, Interval(size + seed % 2, size - 1, size + 2))
        for lead in LEADS
        for seed in range(seeds)
        for test, size in expected(PER_DAY * lead).items()
    ]


def test_settings_of_the_shipped_market_are_those_of_the_study() -> None:
    config = load_config(NAME)
    visits = config.shoppers.count * config.shoppers.visits_per_week / 7
    assert visits / config.catalog.items == pytest.approx(PER_DAY)  # type: ignore[union-attr]
    assert config.sweep is not None
    shipped = make_sweep(NAME, axes_of(config.sweep))
    assert len(shipped.configs) == 3 * len(LEADS)
    assert {each.traits.lead_time_days for each in shipped.configs} == set(LEADS)


def test_a_study_has_four_tests_at_each_demand_and_seed() -> None:
    sweep = swept([1, 2])
    assert len(sweep.configs) == 4 * 2 * len(LEADS)
    by_balance = [each for each in sweep.configs if getattr(each.design, "listing_share", None)]
    for config in by_balance:
        demand = PER_DAY * config.traits.lead_time_days
        assert (config.arms[1].share, config.design.listing_share) == pytest.approx(shares(demand))  # type: ignore[union-attr]


def test_a_table_has_each_test_beside_the_mean_field() -> None:
    lines = list(table(joined(made_up(4))))
    assert len(lines) == 2 + 2 * len(LEADS)
    assert all(line.count("|") == len(SHOWN) + 2 for line in lines)
    first = [cell.strip() for cell in lines[2].split("|")[2:-1]]
    assert first[0] == f"{expected(0.05)[TRUE] + 0.5:.1f} ± 0.9"


def test_biases_are_taken_seed_by_seed() -> None:
    points = joined(made_up(4))
    for (test, demand), point in points.items():
        size = expected(demand)
        assert point.bias.estimate == pytest.approx(size[test] - size[TRUE])
        assert point.said == pytest.approx(1.5 / 1.96)


def test_one_seed_has_the_interval_of_its_run() -> None:
    point = joined(made_up(1))[TRUE, 0.05]
    assert point.effect.ends is not None
    assert point.bias.ends is None


def test_a_picture_has_a_dot_and_a_bar_for_each_point(tmp_path: Path) -> None:
    drawn = picture(joined(made_up(3)))
    assert len(re.findall("<polyline", drawn)) == 5
    assert len(re.findall("<circle", drawn)) == 5 * (len(LEADS) + 1)
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>\n")
    assert "nan" not in drawn
