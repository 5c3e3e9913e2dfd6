import numpy as np
import pytest

from simulator.files.importer import read_supply
from simulator.files.prices import with_prices
from simulator.files.settings import PriceSpec
from simulator.randomness import Draws
from tests.simulator.files.shops import refusals, spec_of, written

CATEGORIES = ("Home > Lamps", "Home > Beds", "Toys > Cars")
MANY = 30_000


def _drawn(spec: PriceSpec, price_I: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    category_I = (np.arange(MANY) % 3).astype(np.int32)
    given_I = np.full(MANY, np.nan) if price_I is None else price_I
    return with_prices(given_I, category_I, CATEGORIES, spec, Draws(1)), category_I


def test_prices_are_log_normal_around_what_is_declared_for_a_category():
    spec = PriceSpec.model_validate(
        {
            "missing": "draw",
            "sigma": 0.4,
            "categories": {
                "home": {"median": 80.0},
                "Home > Lamps": {"median": 20.0, "sigma": 0.1},
            },
        }
    )
    price_I, category_I = _drawn(spec)
    assert np.median(price_I[category_I == 0]) == pytest.approx(20, rel=0.01)
    assert np.log(price_I[category_I == 0]).std() == pytest.approx(0.1, abs=0.005)
    assert np.median(price_I[category_I == 1]) == pytest.approx(80, rel=0.02)
    assert np.log(price_I[category_I == 1]).std() == pytest.approx(0.4, abs=0.02)


def test_categories_that_are_not_declared_spread_around_the_shops_median():
    names = tuple(f"Category {n}" for n in range(3000))
    category_I = np.arange(3000, dtype=np.int32)
    spec = PriceSpec(missing="draw", median=50, between=0.6, sigma=0.0)
    price_I = with_prices(np.full(3000, np.nan), category_I, names, spec, Draws(1))
    assert np.median(price_I) == pytest.approx(50, rel=0.05)
    assert np.log(price_I).std() == pytest.approx(0.6, abs=0.03)


def test_given_prices_stay_and_drawn_ones_do_not_depend_on_them():
    spec = PriceSpec(missing="draw")
    drawn_I, _ = _drawn(spec)
    given_I = np.full(MANY, np.nan)
    given_I[::2] = 7.25
    mixed_I, _ = _drawn(spec, given_I)
    assert (mixed_I[::2] == 7.25).all()
    np.testing.assert_array_equal(mixed_I[1::2], drawn_I[1::2])
    np.testing.assert_array_equal(_drawn(spec)[0], drawn_I)


def test_a_catalogue_without_prices_wants_to_be_told_so(tmp_path):
    path = written(tmp_path, "id,title,price,kind\n1,lamp,,a\n2,desk,20,a\n")
    assert len(refusals(path)) == 1
    settings = {"prices": {"missing": "draw", "categories": {"a": {"median": 5.0, "sigma": 0.0}}}}
    spec = spec_of(path, settings | {"columns": {"category": "kind"}})
    assert read_supply(spec, Draws(1)).catalog.price_I.tolist() == [5.0, 20.0]
