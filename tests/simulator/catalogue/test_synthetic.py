import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.protocols import DAY
from simulator.randomness import Draws

GOLDEN_TITLES = [
    "Altberg Tires Car",
    "Iverstead Green Stroller Newborn",
    "Esports Label Maker Verdwind Coastal",
    "Verdis Summer Tyres Van 12v",
]
GOLDEN_PRICES = [76.95, 289.95, 83.95, 74.95]
GOLDEN_STOCK = [2, 5, 1, 1]


@pytest.fixture(scope="module")
def supply() -> Supply:
    return generate_supply(CatalogSpec(items=20_000), Draws(7))


def _columns(supply: Supply, items: int) -> dict[str, np.ndarray]:
    """Every per-item column, latent ones included, of the first items."""
    parts = (supply, supply.catalog, supply.truth)
    return {
        f"{type(part).__name__}.{name}": value[:items]
        for part in parts
        for name, value in vars(part).items()
        if isinstance(value, np.ndarray) and name.split("_")[-1][0] == "I"
    }


def _top_share(weights: np.ndarray, share: float) -> float:
    ordered = np.sort(weights)[::-1]
    return float(ordered[: int(share * len(weights))].sum() / weights.sum())


@given(
    items=st.integers(1, 60),
    more=st.integers(0, 60),
    categories=st.integers(1, 400),
    brands=st.integers(1, 50),
    attributes=st.floats(0, 1),
    seed=st.integers(0, 2**63),
)
@settings(max_examples=25)
def test_more_items_never_change_earlier_items(items, more, categories, brands, attributes, seed):
    def world(count: int) -> Supply:
        return generate_supply(
            CatalogSpec(items=count, categories=categories, brands=brands, attributes=attributes),
            Draws(seed),
        )

    small, large = _columns(world(items), items), _columns(world(items + more), items)
    assert len(small) == 18
    for name, column in small.items():
        np.testing.assert_array_equal(column, large[name], err_msg=name)


@given(
    items=st.integers(1, 80),
    categories=st.integers(1, 300),
    omissions=st.floats(0, 1),
    synonyms=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25)
def test_every_item_can_be_sold(items, categories, omissions, synonyms, seed):
    spec = CatalogSpec(
        items=items, categories=categories, title_omissions=omissions, title_synonyms=synonyms
    )
    supply = generate_supply(spec, Draws(seed))
    catalog, truth = supply.catalog, supply.truth
    assert all(title.strip() == title and title for title in catalog.title_I)
    assert len(set(catalog.key_I)) == items
    assert (catalog.price_I > 0).all()
    assert ((catalog.rating_I >= 1) & (catalog.rating_I <= 5)).all()
    assert (supply.stock_I >= 1).all()
    assert (supply.lead_time_I > 0).all()
    assert (truth.demand_I > 0).all()
    assert (catalog.retired_at_I >= catalog.created_at_I + 0.99 * DAY).all()
    assert ((truth.category_I >= 0) & (truth.category_I < categories)).all()
    given_I = catalog.category_I >= 0
    np.testing.assert_array_equal(catalog.category_I[given_I], truth.category_I[given_I])
    assert truth.values_IV.max(initial=-1) < len(supply.value_words)
    assert (np.diff(truth.values_IV < 0, axis=1) >= 0).all()  # padding stands on the right


def test_a_small_world_stays_as_it_was():
    supply = generate_supply(CatalogSpec(items=4, categories=108, least_stock=1), Draws(7))
    assert list(supply.catalog.title_I) == GOLDEN_TITLES
    assert supply.catalog.price_I.tolist() == GOLDEN_PRICES
    assert supply.stock_I.tolist() == GOLDEN_STOCK


def test_demand_is_as_unequal_as_in_published_shops(supply):
    assert 0.05 < _top_share(supply.truth.demand_I, 0.01) < 0.12
    assert 0.25 < _top_share(supply.truth.demand_I, 0.1) < 0.45


def test_prices_are_log_normal_by_category(supply):
    log_I = np.log(supply.catalog.price_I)
    assert 1.0 < log_I.std() < 1.4
    category = np.bincount(supply.truth.category_I).argmax()
    inside = log_I[supply.truth.category_I == category]
    assert inside.std() < 0.75 * log_I.std()
    assert abs(inside.mean() - supply.truth.log_price_C[category]) < 0.2


def test_latent_scales_are_about_standard(supply):
    assert supply.truth.quality_I.std() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(supply.truth.vector_IT.var(axis=0), 1.0, atol=0.3)
    assert supply.truth.vector_IT.shape == (20_000, 8)


def test_items_of_one_kind_share_tastes(supply):
    def likeness(rows: np.ndarray) -> float:
        vector = supply.truth.vector_IT[rows]
        return float((vector[:-1] * vector[1:]).mean())

    by_values = np.lexsort((*supply.truth.values_IV.T, supply.truth.category_I))
    assert likeness(by_values) > likeness(np.arange(20_000)) + 0.2


def test_ratings_tell_quality_with_noise(supply):
    told = np.corrcoef(supply.catalog.rating_I, supply.truth.quality_I)[0, 1]
    assert 0.5 < told < 0.9


def test_shares_follow_their_settings(supply):
    catalog = supply.catalog
    assert (catalog.category_I < 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (catalog.brand_I < 0).mean() == pytest.approx(0.06, abs=0.01)
    assert (catalog.created_at_I >= 0).mean() == pytest.approx(0.12, abs=0.01)
    assert np.isfinite(catalog.retired_at_I).mean() == pytest.approx(0.06, abs=0.01)


def test_brands_and_sellers_are_of_very_unequal_size(supply):
    catalog = supply.catalog
    assert _top_share(np.bincount(catalog.brand_I[catalog.brand_I >= 0]), 0.1) > 0.35
    assert _top_share(np.bincount(catalog.seller_I), 0.1) > 0.5


def test_titles_use_other_words_as_often_as_asked():
    def nouns(share: float) -> float:
        spec = CatalogSpec(items=3_000, categories=1, title_synonyms=share)
        titles = generate_supply(spec, Draws(1)).catalog.title_I
        return float(np.mean(["Running Shoes" not in title for title in titles]))

    assert nouns(0.0) == 0.0
    assert nouns(0.4) == pytest.approx(0.4, abs=0.03)
    assert nouns(1.0) == 1.0


def test_omitted_values_mostly_stand_in_the_description():
    spec = CatalogSpec(items=2_000, title_omissions=1.0, title_synonyms=0.0)
    supply = generate_supply(spec, Draws(1))
    words = [group[0] for group in supply.value_words]
    told = [
        words[code] in text.casefold()
        for codes, text in zip(supply.truth.values_IV, supply.catalog.description_I, strict=True)
        for code in codes[codes >= 0]
    ]
    assert np.mean(told) == pytest.approx(0.75, abs=0.03)
    spec = CatalogSpec(items=500, title_omissions=0.0)
    assert set(generate_supply(spec, Draws(1)).catalog.description_I) == {""}


def test_tighter_stock_covers_fewer_days():
    def units(days: float) -> float:
        spec = CatalogSpec(items=5_000, stock_days=days)
        return float(generate_supply(spec, Draws(1)).stock_I.mean())

    assert units(300.0) == pytest.approx(30, rel=0.1)
    assert units(30.0) < 0.2 * units(300.0)


def test_no_full_shelf_holds_less_than_the_least():
    least_stock = generate_supply(CatalogSpec(items=5_000, least_stock=4), Draws(1)).stock_I
    as_drawn = generate_supply(CatalogSpec(items=5_000, least_stock=1), Draws(1)).stock_I
    np.testing.assert_array_equal(least_stock, np.maximum(as_drawn, 4))
    assert (as_drawn < 4).mean() > 0.5


def _between_sellers(values: np.ndarray, seller: np.ndarray) -> float:
    """Share of the variance between groups: one-way analysis of variance, unbalanced (Searle)."""
    groups = [values[seller == number] for number in np.unique(seller)]
    sizes = np.array([len(group) for group in groups])
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    within /= sizes.sum() - len(groups)
    between = sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups)
    between /= len(groups) - 1
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(groups) - 1)
    return float((between - within) / size / ((between - within) / size + within))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_quality_and_lead_time_is_the_sellers(share):
    shop = generate_supply(
        CatalogSpec(items=20_000, sellers=3_000, seller_share=share, lead_time_days=5.0), Draws(1)
    )
    seller = shop.catalog.seller_I
    assert _between_sellers(shop.lead_time_I, seller) == pytest.approx(share, abs=0.05)
    # Price tells 9 % of the variance of quality, and sellers do not differ in prices.
    assert _between_sellers(shop.truth.quality_I, seller) == pytest.approx(0.91 * share, abs=0.05)
    assert shop.lead_time_I.mean() / DAY == pytest.approx(5.0, rel=0.1)
    assert shop.lead_time_I.std() / DAY == pytest.approx(2.5, rel=0.1)  # gamma of shape 4
    assert shop.truth.quality_I.std() == pytest.approx(1.0, abs=0.1)


def test_stock_follows_demand(supply):
    assert np.corrcoef(supply.stock_I, supply.truth.demand_I)[0, 1] > 0.8


def test_another_seed_is_another_shop():
    first, second = (generate_supply(CatalogSpec(items=50), Draws(seed)) for seed in (1, 2))
    assert not np.array_equal(first.catalog.price_I, second.catalog.price_I)
