"""Where interleaving and triggering gain, and where not: what docs/designs.md says of it."""

from pathlib import Path

import pytest

from simulator.behaviour.clickmodels import Cascade, ClickModel, DynamicBayesian, PositionBased
from tests.benchmarks import triggering
from tests.benchmarks.interleaving import on_one_page, study

pytestmark = pytest.mark.slow

SMALLER = ("shoppers.count=1500", "catalog.items=1000", "world.history_days=6", "world.days=3")


@pytest.mark.parametrize("model", [Cascade(), DynamicBayesian()], ids=lambda model: model.type)
def test_interleaving_gains_where_equal_shoppers_leave_once_they_have_clicked(
    model: ClickModel,
) -> None:
    _, low, _ = on_one_page(model)
    assert low > 1.1


def test_it_gains_nothing_where_equal_shoppers_see_slots_whatever_they_found() -> None:
    _, low, high = on_one_page(PositionBased())
    assert low < 1 < high
    assert high - low < 0.3


@pytest.mark.parametrize("click_model", ["pbm", "cascade"])
def test_in_a_shop_it_gains_under_either_model_for_shoppers_differ(
    tmp_path: Path, click_model: str
) -> None:
    rows = study(tmp_path, click_model, "order", *SMALLER, lucks=2)
    found = {(row.metric, row.design): row for row in rows}
    mixed, split = found["clicks", "interleaving"], found["clicks", "request"]
    assert mixed.low > 1
    assert split.low > 1
    assert mixed.gain > split.gain
    assert (mixed.effect > 0) == (mixed.preference > 0)


def test_the_fewer_pages_differ_the_more_is_gained_by_counting_only_those(tmp_path: Path) -> None:
    rows = triggering.study(tmp_path, *SMALLER, limits=(1, 100))
    few, many = (row for row in rows if row.metric == "clicks")
    assert few.share < many.share
    assert few.low > 1
    assert few.gain > many.gain
    assert many.gain > 0.9
