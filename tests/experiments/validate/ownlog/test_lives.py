"""Other lives of a shop: the same items and needs, other shoppers and what they make of it."""

import numpy as np
import pytest

from experiments.config.loading import load_config
from experiments.running.population import make_population
from experiments.stages.progress import NoProgress
from experiments.validate.ownlog.lives import other_life, sales_of_lives
from tests.experiments.small_runs import SMALL, small_config


@pytest.fixture
def shop(tmp_path):
    """A config whose catalogue is a file."""
    rows = [f"{n},Lamp of kind {n % 9} number{n},{5 + n % 30},lamps" for n in range(60)]
    (tmp_path / "shop.csv").write_text("\n".join(["id,title,price,kind", *rows]))
    text = SMALL.read_text().replace(
        "[catalog]\nitems = 300\n",
        '[catalog.file]\npath = "shop.csv"\n[catalog.file.columns]\ncategory = "kind"\n',
    )
    (tmp_path / "shop.toml").write_text(text)
    return load_config(tmp_path / "shop.toml")


def check_lives(config):
    first, (one, other) = (
        make_population(config)[0],
        (make_population(other_life(config, number))[0] for number in (0, 1)),
    )
    for life in (one, other):
        for name in ("quality_I", "demand_I", "vector_IT"):
            kept = getattr(first.supply.truth, name)
            np.testing.assert_array_equal(getattr(life.supply.truth, name), kept)
        assert life.intents.texts == first.intents.texts
    rates = [each.shoppers.rate_S for each in (first, one, other)]
    assert not any(np.array_equal(rates[at], rates[at - 1]) for at in range(3))


def test_another_life_has_the_items_and_needs_of_the_shop_and_other_shoppers():
    check_lives(small_config())
    check_lives(small_config("catalog.seed=3", "queries.seed=4"))


def test_of_a_file_too(shop):
    check_lives(shop)


def test_what_is_bought_in_other_lives_differs_and_comes_again():
    config = small_config("world.ramp.days=1")
    sold = [[*sales_of_lives(config, 2, NoProgress())] for _ in range(2)]
    (one, other), again = sold
    assert one.days == config.world.history_days
    assert not np.array_equal(one.at_L, other.at_L)
    for each, same in zip((one, other), again, strict=True):
        np.testing.assert_array_equal(each.at_L, same.at_L)
        np.testing.assert_array_equal(each.price_L, same.price_L)


def test_no_other_life_is_lived_where_none_is_asked_for():
    assert [*sales_of_lives(small_config(), 0, NoProgress())] == []


def test_the_last_days_of_a_life_are_its_last_orders():
    (whole,) = sales_of_lives(small_config(), 1, NoProgress())
    last = whole.last(1)
    kept = whole.at_L >= (whole.days - 1) * 86_400
    assert last.days == 1
    np.testing.assert_allclose(last.at_L, whole.at_L[kept] - (whole.days - 1) * 86_400)
    assert whole.last(whole.days) is whole
