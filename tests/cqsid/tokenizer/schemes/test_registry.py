import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cqsid.tokenizer.scheme import Scheme
from cqsid.tokenizer.schemes.registry import SCHEMES, build_scheme
from cqsid.tokenizer.schemes.settings import GuidedSpec, IdsSpec, SplitSpec
from recall.storage import saved_copy
from simulator.errors import ContractError
from tests.cqsid.shop import later_items, tiny_signals

every_scheme = pytest.mark.parametrize("name", SCHEMES)
RULES = ("random", "overflow", "two_means", "popularity", "none")
QUICK = GuidedSpec(latent=8, hidden=16, epochs=1, device="cpu")
SIGNALS = tiny_signals()
LATER = later_items(SIGNALS)
BARE = {
    "all alike": {"item_ID": np.ones_like(SIGNALS.item_ID)},
    "one category": {"category_I": np.zeros(60, np.int32), "categories": 1},
    "no category known": {"category_I": np.full(60, -1, np.int32)},
    "no categories": {"category_I": np.full(60, -1, np.int32), "categories": 0},
}


def spec_of(name, **settings):
    return IdsSpec(scheme=name, rqvae=QUICK, **settings)


def fitted(spec, signals=SIGNALS, seed=0):
    scheme = build_scheme(spec)
    return scheme, scheme.fit(signals, rng=np.random.default_rng(seed))


@cache
def standard(name):
    return fitted(spec_of(name))


@every_scheme
def test_every_name_makes_a_scheme_that_can_be_kept(name):
    assert isinstance(build_scheme(spec_of(name)), Scheme)
    scheme, ids = standard(name)
    copy = saved_copy(scheme)
    np.testing.assert_array_equal(
        copy.assign(SIGNALS, LATER, ids).codes_IL, scheme.assign(SIGNALS, LATER, ids).codes_IL
    )


@every_scheme
def test_exactly_the_known_items_get_ids(name):
    _, ids = standard(name)
    assert len(ids) == len(SIGNALS)
    np.testing.assert_array_equal(ids.key_I >= 0, SIGNALS.known_I)


@every_scheme
def test_the_same_seed_gives_the_same_ids(name):
    _, ids = standard(name)
    _, again = fitted(spec_of(name))
    np.testing.assert_array_equal(ids.codes_IL, again.codes_IL)
    assert ids.sizes == again.sizes


@every_scheme
def test_new_items_get_ids_and_old_ones_keep_theirs(name):
    scheme, ids = standard(name)
    full, again = scheme.assign(SIGNALS, LATER, ids), scheme.assign(SIGNALS, LATER, ids)
    np.testing.assert_array_equal(full.codes_IL[SIGNALS.known_I], ids.codes_IL[SIGNALS.known_I])
    np.testing.assert_array_equal(full.codes_IL, again.codes_IL)
    assert full.sizes == ids.sizes
    assert (full.key_I >= 0).all()


@every_scheme
def test_new_items_one_by_one_get_the_ids_they_get_together(name):
    scheme, ids = standard(name)
    together = scheme.assign(SIGNALS, LATER, ids)
    for item in LATER:
        ids = scheme.assign(SIGNALS, np.array([item], np.int32), ids)
    np.testing.assert_array_equal(ids.codes_IL, together.codes_IL)


@every_scheme
@pytest.mark.parametrize("shop", BARE)
def test_shops_that_say_little_still_get_ids(name, shop):
    signals = replace(SIGNALS, **BARE[shop])
    scheme, ids = fitted(spec_of(name), signals)
    assert (scheme.assign(signals, LATER, ids).key_I >= 0).all()


@every_scheme
@pytest.mark.parametrize("n_items", [1, 20])
def test_an_empty_log_and_a_single_item_are_no_special_case(name, n_items):
    signals = tiny_signals(n_items, 0, later=0)
    _, ids = fitted(spec_of(name), signals)
    assert (ids.key_I >= 0).all()


@every_scheme
def test_sizes_asked_for_are_the_sizes_of_the_semantic_levels(name):
    _, ids = fitted(spec_of(name, codes=(8, 4, 3)))
    assert ids.sizes[:2] == (8, 4)
    if name not in ("crid", "varg"):
        assert ids.sizes[2] % 3 == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["cqsid", "rkmeans", "random"])
def test_any_splitting_goes_with_any_quantizer(name, rule):
    split = SplitSpec(rule=rule, largest=3, capacity=3)
    scheme, ids = fitted(spec_of(name, codes=(6, 2, 2), split=split))
    counts = np.unique(ids.key_I[ids.key_I >= 0], return_counts=True)[1]
    assert counts.max() <= 3 or rule in ("overflow", "none")
    assert (scheme.assign(SIGNALS, LATER, ids).key_I >= 0).all()


def test_the_cap_of_splitting_binds_in_this_shop():
    _, ids = fitted(spec_of("random", codes=(6, 2, 2), split=SplitSpec(rule="none")))
    assert np.unique(ids.key_I[ids.key_I >= 0], return_counts=True)[1].max() > 3


@pytest.mark.parametrize("name", ["tiger", "crid", "varg"])
def test_schemes_with_a_telling_token_give_every_item_an_id_of_its_own(name):
    scheme, ids = standard(name)
    full = scheme.assign(SIGNALS, LATER[:1], ids)
    assert len(full.sids_SL) == SIGNALS.known_I.sum() + 1


@pytest.mark.parametrize("name", ["crid", "varg"])
def test_a_rank_takes_the_place_of_the_third_level(name):
    assert standard(name)[1].levels == 3
    assert standard("tiger")[1].levels == 4


def test_crid_orders_a_prefix_by_conversions():
    _, ids = standard("crid")
    known = np.flatnonzero(SIGNALS.known_I)
    order = known[np.lexsort((known, -SIGNALS.orders_I[known]))]
    prefix_I = ids.codes_IL[:, 0] * ids.sizes[1] + ids.codes_IL[:, 1]
    for prefix in np.unique(prefix_I[known]):
        ranks = ids.codes_IL[order[prefix_I[order] == prefix], 2]
        assert ranks.tolist() == list(range(len(ranks)))


def test_random_ids_have_the_capacity_of_cqsid():
    assert standard("random")[1].sizes == standard("cqsid")[1].sizes


def test_random_ids_ignore_what_items_are():
    _, ids = standard("random")
    shuffle = np.random.default_rng(0).permutation(60)
    other = replace(
        SIGNALS, item_ID=SIGNALS.item_ID[shuffle], category_I=SIGNALS.category_I[shuffle]
    )
    np.testing.assert_array_equal(fitted(spec_of("random"), other)[1].codes_IL, ids.codes_IL)


@pytest.mark.parametrize("name", ["cqsid", "cqsid_no_contrast", "higen", "crid", "varg"])
def test_schemes_guided_by_categories_start_with_the_category(name):
    scheme, ids = standard(name)
    full = scheme.assign(SIGNALS, LATER, ids)
    told = SIGNALS.category_I >= 0
    assert len(set(full.codes_IL[told, 0])) == SIGNALS.categories
    pairs = set(
        zip(full.codes_IL[told, 0].tolist(), SIGNALS.category_I[told].tolist(), strict=True)
    )
    assert len(pairs) == SIGNALS.categories


@pytest.mark.parametrize("name", ["cqsid_no_category", "rqvae", "tiger", "rkmeans", "letter"])
def test_schemes_without_categories_do_not_see_them(name):
    hidden = replace(SIGNALS, category_I=np.full(60, -1, np.int32))
    np.testing.assert_array_equal(
        fitted(spec_of(name), hidden)[1].codes_IL, standard(name)[1].codes_IL
    )


@pytest.mark.parametrize("name", ["cqsid_no_contrast", "rqvae", "tiger", "rkmeans", "cat_id2"])
def test_schemes_without_a_log_do_not_see_it(name):
    quiet = tiny_signals(n_requests=0, known_I=SIGNALS.known_I)
    np.testing.assert_array_equal(
        fitted(spec_of(name), quiet)[1].codes_IL, standard(name)[1].codes_IL
    )


class Single:
    """Gives every item the id 0."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def fit(self, signals, *, rng):
        pass

    def assign(self, signals, items_N, ids):
        pass


def no_scheme() -> object:
    return object()


@pytest.fixture
def my_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "my_package", sys.modules[__name__])


@pytest.mark.usefixtures("my_package")
def test_a_custom_scheme_gets_its_options():
    spec = IdsSpec(scheme="custom", object="my_package:Single", options={"code": 4})
    assert build_scheme(spec).code == 4


@pytest.mark.usefixtures("my_package")
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("my_package:Single", {"odd": 1}, "raised TypeError"),
        ("my_package:no_scheme", {}, r"no_scheme\(\) == object without fit and assign, must have"),
        ("my_package:X", {}, "must name an object in my_package"),
    ],
)
def test_an_object_that_makes_no_scheme_is_refused(name, options, message):
    with pytest.raises(ContractError, match=message):
        build_scheme(IdsSpec(scheme="custom", object=name, options=options))
