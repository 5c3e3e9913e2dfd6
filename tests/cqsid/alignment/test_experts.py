from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.alignment.experts import (
    draw_experts,
    expanded,
    forced_codes,
    injected,
    present_B,
)
from cqsid.alignment.settings import AlgorithmSpec, ExpertSpec
from cqsid.decoding.shelves import Shelves
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Shop
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from recall.sampleshop import sample_catalog
from simulator.errors import ConfigError, DataError
from simulator.protocols import Requests

# Items 0 and 1 share id 0, 2 and 3 have ids 1 and 2, 4 to 6 ids 3 to 5; item 7 has none.
CODES = np.array(
    [[0, 0], [0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [-1, -1]],
    np.int32,
)
IDS = SemanticIds(CODES, (3, 2))
SID_I = [0, 0, 1, 2, 3, 4, 5, -1]


class Clicks:
    """An oracle whose items are clicked with the chance of a table; padding with none."""

    def __init__(self, chance_I):
        self.chance_I, self.asked = np.array([*chance_I, 0.0], np.float32), []

    def expected(self, requests, items_BN, outcome):
        self.asked.append((len(requests), outcome))
        return self.chance_I[items_BN]


def logged_of(exposed, clicked, propensity=None):
    n, shown = len(exposed), Ragged.of(exposed)
    if propensity is None:
        propensity = np.ones(len(shown.values))
    requests = Requests.of_texts(("a",) * n)
    bought = Ragged.of([[]] * n)
    column = np.array(propensity, np.float32)
    return Logged(requests, shown, Ragged.of(clicked), bought, np.zeros(n), column)


def shop_of(ids=IDS, oracle=None):
    catalog = sample_catalog(len(ids))
    shelves = Shelves.of(ids, np.zeros(len(ids)))
    return Shop(catalog, ids, shelves, None, None, np.zeros((len(ids), 2)), oracle=oracle)


def drawn(count, source, exposed, clicked, seed=0, shop=None, known=False, propensity=None):
    spec = ExpertSpec(count=count, source=source)
    logged = logged_of(exposed, clicked, propensity)
    rng = np.random.default_rng(seed)
    return draw_experts(spec, logged, shop or shop_of(), rng=rng, known=known)


def samples_of(sid_BG):
    sid_BG = np.array(sid_BG, np.int32)
    return Samples(IDS.sids_SL[sid_BG], sid_BG)


def group_of(sid_BG, experts, forced_BL=None):
    if forced_BL is None:
        forced_BL = np.full((len(sid_BG), 2), -1, np.int32)
    rollouts = samples_of(sid_BG)
    free_BGL = np.repeat(np.asarray(forced_BL)[:, None] < 0, rollouts.shape[1], axis=1)
    return expanded(rollouts, experts, free_BGL)


lists = st.lists(
    st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=8, unique_by=lambda t: t[0]),
    min_size=1,
    max_size=6,
)


@given(lists, st.integers(0, 5), st.sampled_from(["clicks", "exposures", "mixed"]))
def test_experts_are_distinct_ids_of_the_right_items_and_as_many_as_there_are(rows, count, source):
    exposed = [[item for item, _ in row] for row in rows]
    clicked = [[item for item, hit in row if hit] for row in rows]
    found = drawn(count, source, exposed, clicked)
    assert found.samples.sid_BG.shape == found.valid_BG.shape == (len(rows), count)
    first = {"clicks": count, "exposures": 0, "mixed": -(-count // 2)}[source]
    for b in range(len(rows)):
        hit = {SID_I[item] for item in clicked[b]} - {-1}
        shown = {SID_I[item] for item in exposed[b]} - {-1} - hit
        for sids, valid, among, most in (
            (found.samples.sid_BG[b, :first], found.valid_BG[b, :first], hit, first),
            (found.samples.sid_BG[b, first:], found.valid_BG[b, first:], shown, count - first),
        ):
            chosen = sids[valid].tolist()
            assert len(set(chosen)) == len(chosen) == min(len(among), most)
            assert set(chosen) <= among
            assert (sids[~valid] == -1).all()
    codes = IDS.sids_SL[np.maximum(found.samples.sid_BG, 0)]
    np.testing.assert_array_equal(found.samples.codes_BGL, codes)
    assert (found.propensity_BG == 1).all()


def test_each_of_a_requests_ids_is_drawn_equally_often_whatever_its_number_of_items():
    n = 6000
    found = drawn(2, "clicks", [[0, 1, 2, 3]] * n, [[0, 1, 2, 3]] * n)
    share_S = np.bincount(found.samples.sid_BG.ravel(), minlength=6) / n
    error = 4 * np.sqrt((2 / 3) * (1 / 3) / n)
    np.testing.assert_allclose(share_S[:3], 2 / 3, atol=error)
    assert share_S[3:].sum() == 0
    first_S = np.bincount(found.samples.sid_BG[:, 0], minlength=6) / n
    np.testing.assert_allclose(first_S[:3], 1 / 3, atol=error)


def test_a_bigger_half_of_mixed_experts_is_clicked_and_none_fills_in_for_the_other():
    found = drawn(3, "mixed", [[0, 2, 3, 4], [5, 6, 3], [0]], [[0, 2, 3], [], [0]])
    assert found.valid_BG.tolist() == [
        [True, True, True],
        [False, False, True],
        [True, False, False],
    ]
    assert found.samples.sid_BG[0, 2] == 3
    assert found.samples.sid_BG[2].tolist() == [0, -1, -1]


def test_an_id_with_a_clicked_item_is_no_exposure_expert_through_its_other_item():
    found = drawn(2, "exposures", [[0, 1, 2]], [[0]])
    assert found.samples.sid_BG.tolist() == [[1, -1]]


def test_the_same_luck_draws_the_same_experts_and_other_luck_others():
    row, n = [0, 2, 3, 4, 5, 6], 40
    one, again, other = (drawn(2, "clicks", [row] * n, [row] * n, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.samples.sid_BG, again.samples.sid_BG)
    assert (one.samples.sid_BG != other.samples.sid_BG).any()


def test_known_probabilities_of_clicked_experts_weigh_exposure_with_the_chance_of_a_click():
    oracle = Clicks([0.5, 0.25, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    found = drawn(
        1,
        "clicks",
        [[0, 2, 1, 7], [4]],
        [[1], [4]],
        shop=shop_of(oracle=oracle),
        known=True,
        propensity=[0.5, 1.0, 0.8, 0.25, 0.125],
    )
    # Id 0 has items 0 and 1: .5 * .5 + .8 * .25; item 2: 1 * .1; item 7, without an id: .25 * .6.
    assert found.samples.sid_BG.tolist() == [[0], [3]]
    np.testing.assert_allclose(found.propensity_BG, [[0.45 / 0.7], [1.0]], rtol=1e-6)
    assert oracle.asked == [(2, "click")]
    assert found.propensity_BG.dtype == np.float32


def test_known_probabilities_of_exposure_experts_ask_no_oracle():
    found = drawn(
        2, "exposures", [[2, 3, 4]], [[4]], known=True, propensity=[0.5, 0.25, 0.25], seed=1
    )
    wanted = {1: 0.5, 2: 0.25}
    assert {
        int(s): float(p)
        for s, p in zip(found.samples.sid_BG[0], found.propensity_BG[0], strict=True)
    } == wanted


def test_known_probabilities_of_mixed_experts_are_each_of_their_own_source():
    oracle = Clicks([0.5] * 3 + [0.0] + [0.5] * 4)
    found = drawn(
        2,
        "mixed",
        [[2, 3, 4]],
        [[2]],
        known=True,
        propensity=[0.5, 0.5, 1.0],
        shop=shop_of(oracle=oracle),
        seed=2,
    )
    assert found.samples.sid_BG[0, 0] == 1
    mu = {2: 0.25, 3: 0.5}[int(found.samples.sid_BG[0, 1])]
    np.testing.assert_allclose(found.propensity_BG, [[0.25 / 0.75, mu]])


def test_an_expert_that_the_log_could_not_hold_keeps_a_positive_probability():
    oracle = Clicks([0.0] * 8)
    never = drawn(1, "clicks", [[2, 3]], [[2]], shop=shop_of(oracle=oracle), known=True)
    unseen = drawn(1, "clicks", [[3], []], [[2], [4]], shop=shop_of(oracle=oracle), known=True)
    for found in (never, unseen):
        assert found.valid_BG.all()
        assert ((found.propensity_BG > 0) & (found.propensity_BG < 1e-9)).all()


def test_missing_experts_have_probability_one():
    oracle = Clicks([0.5] * 8)
    found = drawn(3, "clicks", [[2, 3], []], [[2], []], shop=shop_of(oracle=oracle), known=True)
    assert found.propensity_BG.tolist() == [[0.5, 1, 1], [1, 1, 1]]


def test_probabilities_of_clicks_need_the_oracle():
    with pytest.raises(ConfigError, match="off_policy: oracle == None, must be there"):
        drawn(1, "clicks", [[2]], [[2]], known=True)


def test_a_shop_without_ids_has_no_experts():
    ids = SemanticIds(np.full((8, 2), -1, np.int32), (3, 2))
    with pytest.raises(DataError, match=r"shop.ids == no id, must have at least one"):
        drawn(1, "clicks", [[2]], [[2]], shop=shop_of(ids))
    with pytest.raises(DataError, match="no id"):
        forced_codes(logged_of([[2]], [[2]]), ids, 1, np.random.default_rng(0))


def test_codes_are_forced_to_a_clicked_items_else_an_exposed_ones_else_left_free():
    logged = logged_of([[0, 3], [5], [7], [7, 6]], [[3], [], [7], [7]])
    forced = forced_codes(logged, IDS, 1, np.random.default_rng(0))
    assert forced.tolist() == [[1, -1], [2, -1], [-1, -1], [2, -1]]
    assert forced.dtype == np.int32
    free = forced_codes(logged, IDS, 0, np.random.default_rng(0))
    assert free.tolist() == [[-1, -1]] * 4


def test_forced_codes_are_drawn_evenly_among_clicked_ids():
    n = 4000
    logged = logged_of([[0, 3, 5, 6]] * n, [[0, 3]] * n)
    forced = forced_codes(logged, IDS, 1, np.random.default_rng(0))
    share = np.bincount(forced[:, 0], minlength=3) / n
    np.testing.assert_allclose(share, [0.5, 0.5, 0.0], atol=4 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize("levels", [-1, 2, 3])
def test_something_must_be_left_to_learn_from(levels):
    with pytest.raises(ConfigError, match=rf"guided_levels == {levels}, must be 0 to 1"):
        forced_codes(logged_of([[2]], [[2]]), IDS, levels, np.random.default_rng(0))


def test_an_expanded_group_holds_the_rollouts_and_then_the_experts():
    experts = drawn(2, "clicks", [[0, 3], [5]], [[0, 3], [5]])
    experts = replace(experts, propensity_BG=np.array([[0.5, 0.25], [0.75, 1]], np.float32))
    forced_BL = np.array([[0, -1], [-1, -1]], np.int32)
    group = group_of([[0, 1, 1], [4, -1, 5]], experts, forced_BL)
    assert group.samples.sid_BG[1].tolist() == [4, -1, 5, 4, -1]
    assert group.expert_BG.tolist() == [[False] * 3 + [True] * 2] * 2
    assert group.valid_BG.tolist() == [[True] * 5, [True] * 4 + [False]]
    assert group.free_BGL[0].tolist() == [[False, True]] * 3 + [[True, True]] * 2
    assert group.free_BGL[1].all()
    assert group.propensity_BG.tolist() == [[1, 1, 1, 0.5, 0.25], [1, 1, 1, 0.75, 1]]
    assert group.samples.codes_BGL.dtype == group.samples.sid_BG.dtype == np.int32
    assert group.propensity_BG.dtype == np.float32


def test_a_group_without_experts_is_its_rollouts():
    group = group_of([[0, 1], [2, 3]], drawn(0, "mixed", [[0], [1]], [[0], []]))
    assert group.samples.sid_BG.tolist() == [[0, 1], [2, 3]]
    assert not group.expert_BG.any()
    assert group.valid_BG.all()


@pytest.mark.parametrize("place", ["add", "within"])
def test_added_experts_leave_the_group_as_it_is(place):
    spec = AlgorithmSpec(group=8, experts=ExpertSpec(count=2, place=place))
    group = group_of([[0, 1, 1]], drawn(2, "clicks", [[0, 3]], [[0, 3]]))
    assert injected(spec, group, np.zeros((1, 5))) is group


def test_experts_replace_as_many_of_the_worst_ids_as_there_are_experts():
    spec = AlgorithmSpec(group=4, experts=ExpertSpec(count=2, place="replace_worst"))
    experts = drawn(2, "clicks", [[0, 3], [5], []], [[0, 3], [5], []], seed=1)
    group = group_of([[1, 2, 3, 4]] * 3, experts)
    rewards_BG = np.array(
        [
            [0.1, 0.5, 0.0, 0.5, 1.0, 1.0],
            [0.1, 0.5, 0.0, 0.0, 1.0, np.nan],
            [0.1, 0.5, 0.0, 0.5, np.nan, np.nan],
        ]
    )
    chosen = injected(spec, group, rewards_BG)
    assert chosen.valid_BG.shape == (3, 4)
    assert chosen.valid_BG.all()
    assert chosen.samples.sid_BG[0, :2].tolist() == [2, 4]
    assert sorted(chosen.samples.sid_BG[0, 2:].tolist()) == [0, 2]
    assert chosen.samples.sid_BG[1].tolist() == [1, 2, 3, 4]  # the later of two equal ones goes
    assert chosen.expert_BG.tolist() == [
        [False, False, True, True],
        [False, False, False, True],
        [False] * 4,
    ]
    assert chosen.samples.sid_BG[2].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(chosen.samples.codes_BGL, IDS.sids_SL[chosen.samples.sid_BG])


def test_more_experts_than_places_replace_the_whole_group():
    spec = AlgorithmSpec(group=2, experts=ExpertSpec(count=3, place="replace_worst"))
    group = group_of([[1, 2]], drawn(3, "clicks", [[0, 3, 4]], [[0, 3, 4]]))
    chosen = injected(spec, group, np.zeros((1, 5)))
    assert chosen.valid_BG.tolist() == chosen.expert_BG.tolist() == [[True, True]]


def test_an_expert_that_the_policy_generated_itself_is_not_injected():
    spec = AlgorithmSpec(group=2, experts=ExpertSpec(count=2, only_absent=True))
    experts = drawn(2, "clicks", [[0, 3], [5]], [[0, 3], [5]])
    group = group_of([[1, 2], [-1, 3]], experts)
    chosen = injected(spec, group, np.zeros((2, 4)))
    kept = chosen.samples.sid_BG[chosen.valid_BG & chosen.expert_BG].tolist()
    assert kept == [0, 4]  # id 2 was generated; the missing expert of -1 is not taken for one
    assert chosen.valid_BG[:, :2].all()
    other = group_of([[1, 4], [0, 3]], experts)
    assert injected(spec, other, np.zeros((2, 4))) is other


def test_a_generated_expert_makes_no_room_for_itself():
    experts = ExpertSpec(count=2, place="replace_worst", only_absent=True)
    spec = AlgorithmSpec(group=3, experts=experts)
    group = group_of([[2, 1, 4]], drawn(2, "clicks", [[0, 3]], [[0, 3]]))
    chosen = injected(spec, group, np.array([[1.0, 0.1, 0.1, 1.0, 1.0]]))
    assert chosen.samples.sid_BG.tolist() == [[2, 1, 0]]
    assert chosen.valid_BG.all()
    assert chosen.expert_BG.tolist() == [[False, False, True]]


def test_presence_counts_clicked_ids_that_the_policy_generated_alone():
    logged = logged_of([[0, 3], [5], [7], [2]], [[3, 1], [5], [7], []])
    samples = samples_of([[4, 0], [1, 4], [-1, 5], [1, 1]])
    generated_BG = np.array([[True, True], [True, False], [True, True], [True, True]])
    assert present_B(samples, generated_BG, logged, IDS).tolist() == [True, False, False, False]
    all_BG = np.ones_like(generated_BG)
    assert present_B(samples, all_BG, logged, IDS).tolist() == [True, True, False, False]
