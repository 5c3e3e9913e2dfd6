from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.quantize.rqvae import Rqvae
from cqsid.tokenizer.quantize.rqvaespec import RqvaeSpec
from cqsid.tokenizer.scheme import Quantizer
from recall.storage import saved_copy
from simulator.errors import ConfigError, DataError
from tests.cqsid.shop import later_items, tiny_signals

SIGNALS = tiny_signals(120)
ITEMS = np.arange(len(SIGNALS), dtype=np.int32)
KNOWN = np.flatnonzero(SIGNALS.known_I).astype(np.int32)
SIZES = (SIGNALS.categories + 2, 8, 8)
SPEC = RqvaeSpec(device="cpu", epochs=4, batch=32, latent=16, hidden=32)
LONG = {"epochs": 60, "learning_rate": 0.01}


def fitted(signals=SIGNALS, sizes=SIZES, seed=0, **settings):
    quantizer = Rqvae(SPEC.model_copy(update=settings), sizes)
    quantizer.fit(signals, rng=np.random.default_rng(seed))
    return quantizer


@pytest.fixture(scope="module")
def rqvae():
    return fitted()


def test_it_is_a_quantizer(rqvae):
    assert isinstance(rqvae, Quantizer)
    SemanticIds(rqvae.codes(SIGNALS, ITEMS), rqvae.sizes)
    assert rqvae.vectors(SIGNALS, ITEMS).shape == (len(SIGNALS), SPEC.latent)
    assert rqvae.vectors(SIGNALS, ITEMS).dtype == np.float32


def test_the_first_code_of_an_item_is_its_category_where_known(rqvae):
    category = SIGNALS.category_I
    codes = rqvae.codes(SIGNALS, ITEMS)
    assert (category < 0).any()
    np.testing.assert_array_equal(codes[category >= 0, 0], category[category >= 0])


def test_an_item_of_unknown_category_takes_the_nearest_open_row(rqvae):
    unknown = np.flatnonzero(SIGNALS.category_I < 0).astype(np.int32)
    latents = rqvae.vectors(SIGNALS, unknown).astype(np.float64)
    rows = rqvae._code_LKE[0]
    distance = ((latents[:, None] - rows) ** 2).sum(axis=2)
    used = np.unique(SIGNALS.category_I[KNOWN])
    closed = np.setdiff1d(np.arange(SIGNALS.categories), used)
    distance[:, closed] = np.inf
    np.testing.assert_array_equal(rqvae.codes(SIGNALS, unknown)[:, 0], distance.argmin(axis=1))


def test_deeper_codes_are_the_nearest_to_what_is_left(rqvae):
    codes = rqvae.codes(SIGNALS, ITEMS)
    left = rqvae.vectors(SIGNALS, ITEMS).astype(np.float64)
    for level in (0, 1, 2):
        rows = rqvae._code_LKE[level]
        if level:
            nearest = ((left[:, None] - rows) ** 2).sum(axis=2).argmin(axis=1)
            np.testing.assert_array_equal(codes[:, level], nearest)
        left = left - rows[codes[:, level]]


def test_training_lowers_the_reconstruction_error():
    def error(quantizer):
        restored = quantizer.reconstruct(quantizer.codes(SIGNALS, KNOWN))
        return ((SIGNALS.item_ID[KNOWN] - restored) ** 2).sum(axis=1).mean()

    spread = SIGNALS.item_ID[KNOWN].var(axis=0).sum()
    trained = fitted(epochs=40, learning_rate=0.003)
    assert error(trained) < 0.6 * spread < error(fitted(epochs=0))


def discernment(quantizer, signals):
    """How much nearer logged pairs are than other pairs (cosine)."""
    latents = [quantizer.encode(v) for v in (signals.query_QD, signals.item_ID)]
    query, item = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in latents)
    cosine, logged = query @ item.T, np.zeros((len(query), len(item)), bool)
    logged[signals.pair_query_P, signals.pair_item_P] = True
    return cosine[logged].mean() - cosine[~logged].mean()


def strange_queries(seed=0):
    """Queries whose words tell nothing of the items that they led to: one for every 4 items."""
    rng = np.random.default_rng(seed)
    query = rng.normal(size=(len(KNOWN) // 4, SIGNALS.item_ID.shape[1]))
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    pair_item = KNOWN[: len(query) * 4]
    return replace(
        SIGNALS,
        query_QD=query.astype(np.float32),
        pair_query_P=(np.arange(len(pair_item)) // 4).astype(np.int32),
        pair_item_P=pair_item,
        pair_weight_P=np.ones(len(pair_item)),
    )


@pytest.mark.parametrize("where", ["before", "after"])
def test_contrast_brings_queries_to_the_items_they_led_to(where):
    signals = strange_queries()
    without, taught = (
        discernment(fitted(signals, gamma=gamma, contrast=where, **LONG), signals)
        for gamma in (0.0, 1.0)
    )
    assert taught > without + 0.2


def test_contrast_none_ignores_the_log():
    np.testing.assert_array_equal(
        fitted(contrast="none").vectors(SIGNALS, ITEMS),
        fitted(strange_queries(), contrast="none").vectors(SIGNALS, ITEMS),
    )


def test_contrast_of_no_weight_changes_nothing_that_is_learned():
    np.testing.assert_allclose(
        fitted(gamma=0.0).vectors(SIGNALS, ITEMS),
        fitted(contrast="none").vectors(SIGNALS, ITEMS),
        atol=1e-5,
    )


def test_codes_are_the_same_alone_and_in_any_company(rqvae):
    together = rqvae.codes(SIGNALS, ITEMS)
    for item in (0, 50, 119):
        alone = rqvae.codes(SIGNALS, ITEMS[item : item + 1])
        np.testing.assert_array_equal(alone[0], together[item])
    np.testing.assert_array_equal(rqvae.codes(SIGNALS, ITEMS[::-1])[::-1], together)
    assert rqvae.codes(SIGNALS, ITEMS[:0]).shape == (0, 3)


def test_the_same_rng_gives_the_same_codes_whatever_the_threads(rqvae):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        again = fitted()
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(again.codes(SIGNALS, ITEMS), rqvae.codes(SIGNALS, ITEMS))
    np.testing.assert_array_equal(again.vectors(SIGNALS, ITEMS), rqvae.vectors(SIGNALS, ITEMS))


def test_a_trained_quantizer_survives_pickling(rqvae):
    copy = saved_copy(rqvae)
    np.testing.assert_array_equal(copy.codes(SIGNALS, ITEMS), rqvae.codes(SIGNALS, ITEMS))


def test_items_that_are_not_known_yet_teach_nothing(rqvae):
    changed = SIGNALS.item_ID.copy()
    changed[later_items(SIGNALS)] = np.nan
    again = fitted(replace(SIGNALS, item_ID=changed))
    np.testing.assert_array_equal(again.codes(SIGNALS, ITEMS), rqvae.codes(SIGNALS, ITEMS))


def test_prices_even_out_the_codes_of_deeper_levels():
    def perplexity(quantizer, level):
        share = np.bincount(quantizer.codes(SIGNALS, KNOWN)[:, level]) / len(KNOWN)
        return np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())

    plain, priced = fitted(), fitted(balance=True)
    np.testing.assert_array_equal(plain.vectors(SIGNALS, ITEMS), priced.vectors(SIGNALS, ITEMS))
    for level in (1, 2):
        assert perplexity(priced, level) > perplexity(plain, level)
        assert perplexity(priced, level) > 0.8 * SIZES[level]


def test_soft_supervision_makes_first_codes_purer_than_none():
    def purity(quantizer):
        known = KNOWN[SIGNALS.category_I[KNOWN] >= 0]
        code = quantizer.codes(SIGNALS, known)[:, 0]
        table = np.zeros((SIZES[0], SIGNALS.categories))
        np.add.at(table, (code, SIGNALS.category_I[known]), 1)
        return table.max(axis=1).sum() / len(known)

    sizes = (SIGNALS.categories, 8)
    none, soft = (
        purity(fitted(sizes=sizes, category=category, epochs=30, supervision=1.0))
        for category in ("none", "soft")
    )
    assert soft > none + 0.05


def test_alignment_draws_items_clicked_together_towards_each_other():
    rng = np.random.default_rng(0)
    taste = rng.integers(2, size=len(SIGNALS))
    session = np.repeat(np.arange(300), 4)
    item = np.where(
        session % 2,
        rng.choice(np.flatnonzero(taste == 1), len(session)),
        rng.choice(np.flatnonzero(taste == 0), len(session)),
    ).astype(np.int32)
    hint = 0.1 * np.where(taste, 1.0, -1.0)[:, None].astype(np.float32)
    signals = replace(
        SIGNALS, item_ID=SIGNALS.item_ID + hint, session_F=session, session_item_F=item
    )

    def nearer(quantizer):
        latents = quantizer.vectors(signals, KNOWN)
        latents /= np.linalg.norm(latents, axis=1, keepdims=True)
        cosine, same = latents @ latents.T, taste[KNOWN][:, None] == taste[KNOWN]
        return cosine[same].mean() - cosine[~same].mean()

    without, aligned = (
        nearer(fitted(signals, (16, 16), category="none", collaborative=weight, **LONG))
        for weight in (0.0, 1.0)
    )
    assert aligned > without + 0.2


def test_diversity_moves_spare_and_deeper_codes_but_no_row_of_a_category():
    plain, diverse = (
        fitted(sizes=(SIZES[0], 64), diversity=weight, epochs=1, learning_rate=1e-9)
        for weight in (0.0, 0.01)
    )
    used = np.unique(SIGNALS.category_I[KNOWN])
    used = used[used >= 0]
    np.testing.assert_array_equal(plain._code_LKE[0][used], diverse._code_LKE[0][used])
    assert (plain._code_LKE[1] != diverse._code_LKE[1]).any()


@pytest.mark.parametrize("category", ["none", "hard", "soft"])
@pytest.mark.parametrize(
    ("signals", "sizes"),
    [
        (tiny_signals(30, 0), (16, 4)),
        (tiny_signals(30, known_I=np.arange(30) == 3), (16, 4)),
        (tiny_signals(30, category_I=np.full(30, -1, np.int32)), (6, 4)),
        (tiny_signals(30, category_I=np.full(30, 2, np.int32)), (6, 4)),
        (tiny_signals(30, item_ID=np.zeros((30, 24), np.float32)), (16, 4)),
        (tiny_signals(30), (200, 300, 300)),
        (tiny_signals(30), (16,)),
        (tiny_signals(30), (16, 1, 1)),
    ],
    ids=["no log", "one item", "no category", "one category", "no text", "large", "flat", "ones"],
)
def test_odd_shops_are_no_special_case(signals, sizes, category):
    quantizer = fitted(
        signals, sizes, category=category, epochs=2, batch=16, collaborative=0.1, diversity=0.1
    )
    items = np.arange(30, dtype=np.int32)
    SemanticIds(quantizer.codes(signals, items), sizes)
    assert np.isfinite(quantizer.vectors(signals, items)).all()


def test_a_category_that_came_after_training_is_unknown(rqvae):
    later = replace(SIGNALS, category_I=np.full(len(SIGNALS), 99, np.int32), categories=100)
    unknown = replace(SIGNALS, category_I=np.full(len(SIGNALS), -1, np.int32))
    np.testing.assert_array_equal(rqvae.codes(later, ITEMS), rqvae.codes(unknown, ITEMS))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_with_its_place(rqvae, bad):
    broken = SIGNALS.item_ID.copy()
    broken[7, 3] = bad
    signals = replace(SIGNALS, item_ID=broken)
    with pytest.raises(DataError, match=r"signals.item_ID\[7, 3\] == \w+, must be a finite number"):
        fitted(signals)
    with pytest.raises(DataError, match=r"item_ID\[7, 3\]"):
        rqvae.codes(signals, np.array([2, 7], np.int32))
    queries = SIGNALS.query_QD.copy()
    queries[1, 2] = bad
    with pytest.raises(DataError, match=r"query_QD\[1, 2\]"):
        fitted(replace(SIGNALS, query_QD=queries))


def test_fewer_first_codes_than_categories_are_refused_where_they_are_the_codes():
    sizes = (SIGNALS.categories - 1, 8)
    with pytest.raises(ConfigError, match=r"sizes\[0\] == \d+, must be >= \d+"):
        fitted(sizes=sizes)
    fitted(sizes=sizes, category="none", epochs=0)


@pytest.mark.parametrize("sizes", [(), (0, 8), (8, -1)])
def test_levels_without_codes_are_refused(sizes):
    with pytest.raises(ConfigError, match="sizes == "):
        Rqvae(SPEC, sizes)


def test_a_shop_without_known_items_is_refused():
    with pytest.raises(DataError, match="known_I == 0 items"):
        fitted(replace(SIGNALS, known_I=np.zeros(len(SIGNALS), bool)))
