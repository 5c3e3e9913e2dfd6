"""A stress set is what it says: an oracle is always right, a blind scorer where it is not blind."""

import numpy as np
import pytest

from experiments.stress.conditions import STYLES, ConditionSet, Facts, Kind, condition_set
from experiments.stress.scoring import compare
from ranking.features import text_scorer
from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec, StructuredSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.protocols import Requests
from simulator.randomness import Draws
from simulator.shoppers.words.thesaurus import category_words

MOST, POSITIVES = 7, 300


@pytest.fixture(scope="module")
def supply() -> Supply:
    return generate_supply(CatalogSpec(items=4_000, categories=30), Draws(3))


@pytest.fixture(scope="module")
def made(supply: Supply) -> ConditionSet:
    return condition_set(Facts.true(supply), Draws(7), positives=POSITIVES, most=MOST)


def said(text: str, supply: Supply) -> set[tuple[Kind, str]]:
    """The conditions of a request, read from its words in either style."""
    if not text.startswith("find a"):
        noun, *rest = text.split(", ")
        names = {brand.casefold() for brand in supply.catalog.brands}

        def kind(word: str) -> Kind:
            if word.startswith("price "):
                return Kind.PRICE
            return Kind.BRAND if word in names else Kind.VALUE

        return {
            (Kind.CATEGORY, noun),
            *((kind(word), word.removeprefix("price ")) for word in rest),
        }
    text = text.partition(" ")[2].partition(" ")[2]
    text, _, price = text.partition(" priced ")
    text, _, brand = text.partition(" by ")
    noun, _, values = text.partition(" that is ")
    told = {(Kind.CATEGORY, noun), *((Kind.VALUE, each) for each in values.split(" and ") if each)}
    told |= {(Kind.BRAND, brand)} if brand else set()
    return told | ({(Kind.PRICE, price)} if price else set())


class Oracle:
    """Counts the conditions of a text that an item truly meets."""

    def __init__(self, supply: Supply, blind: Kind | None = None, luck: int | None = None) -> None:
        self.supply, self.blind = supply, blind
        self.rng = np.random.default_rng(luck) if luck is not None else None

    def pair_scores(self, requests: Requests, items_BN: np.ndarray) -> np.ndarray:
        rows = [
            [self.met(requests.texts[text], int(item)) for item in items]
            for text, items in zip(requests.text_B, items_BN, strict=True)
        ]
        scores_BN = np.array(rows, np.float32)
        if self.rng is not None:
            scores_BN += self.rng.random(scores_BN.shape, np.float32) / 2
        return scores_BN

    def met(self, text: str, item: int) -> float:
        if item < 0:
            return np.nan
        catalog, truth = self.supply.catalog, self.supply.truth
        values = {self.supply.value_words[c][0] for c in truth.values_IV[item] if c >= 0}
        brand = catalog.brands[truth.brand_I[item]] if truth.brand_I[item] >= 0 else ""
        count = 0
        for kind, word in said(text, self.supply):
            if kind is Kind.CATEGORY:
                path = catalog.categories[truth.category_I[item]]
                met = word == category_words(path)[0]
            elif kind is Kind.VALUE:
                met = word in values
            elif kind is Kind.BRAND:
                met = word == brand.casefold()
            else:
                low, high = map(float, word.split(" to "))
                met = low - 0.005 <= catalog.price_I[item] <= high + 0.005
            count += met and kind is not self.blind
        return count


def test_an_oracle_wins_every_comparison_and_orders_every_chain(
    supply: Supply, made: ConditionSet
) -> None:
    found = compare(Oracle(supply), made)
    for shares in (found.ahead_SPK, found.ordered_SPK):
        assert np.nanmin(shares) == 1
    assert np.nanmax(found.tied_SPK) == 0
    assert np.nanmax(found.turned_PK) == 0


def test_random_scores_win_half(made: ConditionSet) -> None:
    class Coin:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)

        def pair_scores(self, requests: Requests, items_BN: np.ndarray) -> np.ndarray:
            return self.rng.random(items_BN.shape, np.float32)

    found = compare(Coin(), made)
    for shares in (found.ahead_SPK, found.ordered_SPK, found.turned_PK):
        known = shares[~np.isnan(shares)]
        assert abs(known.mean() - 0.5) < 4 * 0.5 / len(known) ** 0.5


@pytest.mark.parametrize("kind", [Kind.CATEGORY, Kind.VALUE, Kind.BRAND])
def test_who_ignores_a_condition_ties_there_or_wins_half_and_wins_elsewhere(
    supply: Supply, made: ConditionSet, kind: Kind
) -> None:
    at_SPK = np.broadcast_to(made.kind_PK == kind, made.texts_SPK.shape)
    blind, shaken = (compare(Oracle(supply, kind, luck), made) for luck in (None, 1))
    known_SPK = ~np.isnan(blind.ahead_SPK)
    assert (blind.tied_SPK[at_SPK & known_SPK] == 1).all()
    assert (blind.ahead_SPK[at_SPK & known_SPK] == 0).all()
    assert (blind.ahead_SPK[~at_SPK & known_SPK] == 1).all()
    half = shaken.ahead_SPK[at_SPK & known_SPK]
    assert abs(half.mean() - 0.5) < 4 * 0.5 / len(half) ** 0.5


def test_both_styles_have_the_same_conditions(supply: Supply, made: ConditionSet) -> None:
    texts_SPK = made.texts_SPK
    for row, count in enumerate(made.count_P):
        for k in range(count):
            one, other = (said(texts_SPK[style, row, k], supply) for style in range(len(STYLES)))
            assert one == other
            assert len(one) <= k + 1
        assert (texts_SPK[:, row, count:] == "").all()


def test_a_set_hangs_on_its_luck_alone(supply: Supply, made: ConditionSet) -> None:
    again, other = (
        condition_set(Facts.true(supply), Draws(seed), positives=POSITIVES, most=MOST)
        for seed in (7, 8)
    )
    for name in ("item_P", "negative_PK", "chain_PK", "texts_SPK"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert (other.item_P != made.item_P).any()


def test_positives_have_values_enough_and_fewer_conditions_are_the_first_ones(
    supply: Supply, made: ConditionSet
) -> None:
    assert len(made) == POSITIVES
    assert ((supply.truth.values_IV[made.item_P] >= 0).sum(axis=1) >= 4).all()
    fewer = condition_set(Facts.true(supply), Draws(7), positives=POSITIVES, most=3)
    np.testing.assert_array_equal(fewer.texts_SPK, made.texts_SPK[:, :, :3])
    np.testing.assert_array_equal(fewer.negative_PK, made.negative_PK[:, :3])


def test_what_a_title_omits_is_told_apart(supply: Supply, made: ConditionSet) -> None:
    found = compare(text_scorer(supply.catalog, rng=np.random.default_rng(0)), made)
    at_SPK = np.broadcast_to(made.kind_PK == Kind.VALUE, made.texts_SPK.shape)
    told_SPK = np.broadcast_to(made.told_PK, made.texts_SPK.shape)
    told, untold = (np.nanmean(found.ahead_SPK[at_SPK & told]) for told in (told_SPK, ~told_SPK))
    assert told > untold + 0.2


@pytest.fixture(scope="module")
def published() -> Supply:
    spec = CatalogSpec(items=4_000, categories=10, attributes=0.95, structured=StructuredSpec())
    return generate_supply(spec, Draws(3))


def test_what_a_file_publishes_is_failed_only_where_it_tells_something_else(
    published: Supply,
) -> None:
    catalog = published.catalog
    facts = Facts.published(catalog)
    found = condition_set(facts, Draws(7), positives=POSITIVES, most=MOST)
    assert len(found) > 50
    structured = catalog.structured
    assert structured is not None
    told = [{*row[row >= 0].tolist()} for row in structured.values_IV]
    seen = set()
    for row, item in enumerate(found.item_P.tolist()):
        for k, (kind, other) in enumerate(
            zip(found.kind_PK[row], found.negative_PK[row].tolist(), strict=True)
        ):
            if other < 0:
                continue
            seen.add(int(kind))
            if kind == Kind.CATEGORY:
                assert catalog.category_I[other] not in (-1, catalog.category_I[item])
            if kind == Kind.BRAND:
                assert catalog.brand_I[other] not in (-1, catalog.brand_I[item])
            if kind == Kind.VALUE:
                name = found.texts_SPK[0, row, k].rpartition(", ")[2]
                codes = [v for v in told[item] if structured.value_names[v].casefold() == name]
                asked = {structured.attribute_W[code] for code in codes}
                others = [v for v in told[other] if structured.attribute_W[v] in asked]
                assert others
                assert name not in {structured.value_names[v] for v in told[other]}
    assert seen == {Kind.CATEGORY, Kind.VALUE, Kind.BRAND, Kind.PRICE}
