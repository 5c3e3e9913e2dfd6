import pickle
from dataclasses import replace

import numpy as np
import pytest

from ranking.rankers.ranker import MergeOrderRanker
from ranking.settings import PrerankerSpec
from recall.latency import LatencySpec
from simulator.errors import ConfigError, ContractError
from simulator.protocols import SearchService
from tests.ranking.funnels import QUICK, SPEC, UNIVERSE, assert_same


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_pages_are_the_same_bits_for_any_batch_size(funnel, learned, many, batch, monkeypatch):
    spec = SPEC.model_copy(update={"exploration": 0.3, "deadline_s": 0.011})
    latencies = {"a": QUICK, "b": QUICK}
    whole = funnel(spec, 512, latencies, learned).serve(many)
    assert (whole.items_BK >= 0).any()
    assert whole.dropped_B.any()
    assert len(whole.traces.row_R)
    monkeypatch.setattr("ranking.funnel._ROWS", batch)  # pages made at once, too
    assert_same(funnel(spec, batch, latencies, learned).serve(many), whole)


def test_pages_do_not_depend_on_who_else_asks(funnel, learned, many):
    made = funnel(ranker=learned)
    whole = made.serve(many)
    order = np.random.default_rng(0).permutation(len(many))
    shuffled = made.serve(many.rows(order))
    np.testing.assert_array_equal(shuffled.items_BK, whole.items_BK[order])
    np.testing.assert_array_equal(shuffled.scores_BK, whole.scores_BK[order])


def test_provenance_survives_to_the_page(funnel, channel, learned, requests_, index):
    channels = {"a": channel("a", 1), "b": channel("b", 7)}
    pages = funnel(ranker=learned, **channels).serve(requests_)
    found = [channels[name].recall(requests_, 30).items_BN for name in "ab"]
    both = 0
    for row, slot in np.argwhere(pages.items_BK >= 0):
        item = pages.items_BK[row, slot]
        expected = sum(1 << bit for bit in (0, 1) if item in found[bit][row])
        assert pages.sources_BK[row, slot] == expected
        assert index.available_I[item]
        both += expected == 3
    assert both


def test_the_channels_that_ranked_an_item_best_are_told(funnel, channel, requests_):
    channels = {"a": channel("a", 1), "b": channel("b", 7)}
    pages = funnel(**channels).serve(requests_)
    found = [channels[name].recall(requests_, 30).items_BN for name in "ab"]
    seen = set()
    for row, slot in np.argwhere(pages.items_BK >= 0):
        item = pages.items_BK[row, slot]
        places = [np.flatnonzero(items[row] == item) for items in found]
        ranks = [int(place[0]) if len(place) else 999 for place in places]
        expected = sum(1 << bit for bit, rank in enumerate(ranks) if rank == min(ranks))
        assert pages.best_ranked_BK[row, slot] == expected
        seen.add(expected)
    assert seen == {1, 2, 3}


@pytest.mark.parametrize("left_out", ["a", "b", "ab"])
def test_answers_without_channels_make_the_pages_of_a_funnel_without_them(
    funnel, channel, learned, many, left_out
):
    spec = SPEC.model_copy(update={"exploration": 0.3, "deadline_s": 0.011})
    latencies = {"a": QUICK, "b": LatencySpec(base_s=0.009, per_item_s=0, sigma=0.2)}
    every = {"a": channel("a", 1), "b": channel("b", 7)}
    bits_B = np.full(len(many), sum(1 << "ab".index(name) for name in left_out))
    whole = funnel(spec, 64, latencies, learned, **every)
    found = whole.pages(whole.ask(many), bits_B)
    kept = {name: made for name, made in every.items() if name not in left_out}
    if kept:
        assert_same(found, funnel(spec, 64, latencies, learned, **kept).serve(many))
    else:
        assert (found.items_BK == -1).all()


def test_each_request_may_be_without_channels_of_its_own(funnel, channel, learned, many):
    whole = funnel(ranker=learned, a=channel("a", 1), b=channel("b", 7))
    answers = whole.ask(many)
    bits_B = np.arange(len(many)) % 4
    mixed = whole.pages(answers, bits_B)
    for bits in range(4):
        alone, rows = whole.pages(answers, np.full(len(many), bits)), bits_B == bits
        np.testing.assert_array_equal(mixed.items_BK[rows], alone.items_BK[rows])
        np.testing.assert_array_equal(mixed.latency_B[rows], alone.latency_B[rows])


def test_consecutive_pages_are_slices_of_one_ranked_list(funnel, requests_):
    made = funnel()
    pages = []
    for page in range(4):
        page_B = np.full(len(requests_), page, np.int16)
        slots_B = np.full(len(requests_), 6, np.int16)
        pages.append(made.serve(replace(requests_, page_B=page_B, slots_B=slots_B)))
    assert (pages[0].items_BK[:, 6:] == -1).all()
    shown = np.concatenate([page.items_BK[:, :6] for page in pages], axis=1)
    assert (pages[0].ranked_B == 16).all()
    assert (shown[:, :16] >= 0).all()
    assert (shown[:, 16:] == -1).all()
    assert all(len(set(row[:16])) == 16 for row in shown)
    scores = np.concatenate([page.scores_BK[:, :6] for page in pages], axis=1)[:, :16]
    assert (np.diff(scores, axis=1) <= 0).all()


def test_padding_carries_nothing(funnel, requests_):
    pages = funnel().serve(replace(requests_, slots_B=np.full(len(requests_), 4, np.int16)))
    empty = pages.items_BK < 0
    assert empty[:, 4:].all()
    assert not empty[:, :4].any()
    assert not pages.sources_BK[empty].any()
    assert np.isnan(pages.scores_BK[empty]).all()
    assert (pages.propensity_BK[empty] == 1).all()


def test_exploration_shows_each_ranked_item_everywhere_with_its_logged_probability(
    funnel, requests_
):
    n_requests, rate = 20_000, 0.4
    spec = SPEC.model_copy(update={"exploration": rate, "keep": 6, "slots": 4})
    shopper_B = np.arange(n_requests, dtype=np.int64)
    same = replace(
        requests_.rows(np.zeros(n_requests, np.intp)),
        id_B=shopper_B << 28,
        shopper_B=shopper_B,
        slots_B=np.full(n_requests, 4, np.int16),
    )
    pages = funnel(spec).serve(same)
    greedy = funnel(spec.model_copy(update={"exploration": 0.0})).serve(same).items_BK[0]
    for slot in range(4):
        items, counts = np.unique(pages.items_BK[:, slot], return_counts=True)
        assert len(items) == 6
        for item, count in zip(items, counts, strict=True):
            logged = pages.propensity_BK[pages.items_BK[:, slot] == item, slot]
            expected = rate / 6 + (1 - rate) * (greedy[slot] == item)
            np.testing.assert_allclose(logged, expected, rtol=1e-6)
            error = 4.5 * np.sqrt(expected * (1 - expected) / n_requests)
            assert abs(count / n_requests - expected) < error
    assert all(len(set(row)) == 4 for row in pages.items_BK[:500])


def test_an_explored_query_repeats_no_item_on_later_pages(funnel, requests_):
    made = funnel(SPEC.model_copy(update={"exploration": 1.0}))
    shown = []
    for page in range(2):
        ids = requests_.id_B + page
        page_B, slots_B = (np.full(len(requests_), value, np.int16) for value in (page, 8))
        one = replace(requests_, id_B=ids, page_B=page_B, slots_B=slots_B)
        shown.append(made.serve(one).items_BK[:, :8])
    for row in np.concatenate(shown, axis=1):
        assert len(set(row)) == 16


def test_without_exploration_every_propensity_is_one(funnel, requests_):
    assert (funnel().serve(requests_).propensity_BK == 1).all()


def test_traces_hold_the_merged_candidates_of_the_traced_requests(funnel, many):
    pages = funnel(batch=64).serve(many)
    traces = pages.traces
    count_B = np.bincount(traces.row_R, minlength=len(many))
    np.testing.assert_array_equal(count_B, np.where(many.traced_B, pages.merged_B, 0))
    assert (pages.merged_B > pages.ranked_B).all()
    ranked = np.bincount(traces.row_R, ~np.isnan(traces.ranker_score_R), len(many))
    np.testing.assert_array_equal(ranked, np.where(many.traced_B, pages.ranked_B, 0))
    assert ((traces.ranks_RC >= 0) == ((traces.sources_R[:, None] >> np.arange(3)) & 1 > 0)).all()
    assert (np.isnan(traces.scores_RC) == (traces.ranks_RC < 0)).all()
    for row in np.flatnonzero(many.traced_B)[:5]:
        np.testing.assert_array_equal(traces.merged_R[traces.row_R == row], range(count_B[row]))


def test_nobody_asks_and_nothing_breaks(funnel, requests_):
    pages = funnel().serve(requests_.rows(slice(0, 0)))
    assert pages.items_BK.shape == (0, 10)


def test_too_many_slots_are_refused(funnel, requests_):
    wide = replace(requests_, slots_B=np.full(len(requests_), 11, np.int16))
    with pytest.raises(ConfigError, match=r"requests\.slots == 11, must be <= 10"):
        funnel().serve(wide)


def test_a_ranker_of_the_wrong_shape_is_named(funnel, requests_):
    class Wrong(MergeOrderRanker):
        def score(self, requests, pool):
            return super().score(requests, pool)[:, :3]

    with pytest.raises(ContractError, match=r"merge_order\.score\(\) == shape \(24, 3\)"):
        funnel(ranker=Wrong()).serve(requests_)


def test_a_funnel_is_a_search_service_and_survives_pickling(funnel, learned, requests_):
    made = funnel(ranker=learned)
    assert isinstance(made, SearchService)
    copy = pickle.loads(pickle.dumps(made))
    assert_same(copy.serve(requests_), made.serve(requests_))


def test_repr_draws_the_funnel(funnel, channel):
    drawing = """\
Funnel treatment (deadline 50 ms)
  a 30     ─┐
  b 30     ─┼─ merge 40 ─ prerank 16 ─ rank merge_order ─ page 10, explore 0.1
  other 30 ─┘"""
    spec = SPEC.model_copy(update={"exploration": 0.1})
    channels = {name: channel(name) for name in UNIVERSE}
    assert repr(funnel(spec, **channels)) == drawing
    assert repr(funnel(a=channel("a"))) == (
        "Funnel treatment (deadline 50 ms)\n"
        "  a 30 ─── merge 40 ─ prerank 16 ─ rank merge_order ─ page 10"
    )


class LastFirst(MergeOrderRanker):
    """Keeps the order of the merge, but lets through what comes last in it."""

    told = True

    def prescore(self, requests, pool):
        if not self.told:
            return None
        columns_N = np.arange(pool.items_BN.shape[1], dtype=np.float32)
        return np.where(pool.items_BN >= 0, columns_N, np.float32(-np.inf))


def test_the_rankers_light_score_decides_what_reaches_it(funnel, requests_):
    made = funnel(SPEC.model_copy(update={"slots": 40}), ranker=LastFirst())
    requests = replace(requests_, slots_B=np.full(len(requests_), 40, np.int16))
    pool, pages = made.recall.pool(requests), made.serve(requests)
    for row in range(len(requests)):
        held = pool.items_BN[row][pool.items_BN[row] >= 0]
        shown = pages.items_BK[row][pages.items_BK[row] >= 0]
        np.testing.assert_array_equal(shown, held[-16:])


def test_votes_decide_where_asked_for_or_where_a_ranker_has_no_light_score(funnel, many):
    by_votes = funnel(SPEC.model_copy(update={"preranker": PrerankerSpec(type="votes")}))
    expected = by_votes.serve(many)
    silent = LastFirst()
    silent.told = False
    assert_same(funnel().serve(many), expected)
    assert_same(funnel(ranker=silent).serve(many), expected)
    spec = SPEC.model_copy(update={"preranker": PrerankerSpec(type="votes")})
    assert_same(funnel(spec, ranker=LastFirst()).serve(many), expected)


def test_a_light_score_that_breaks_the_contract_is_named(funnel, requests_):
    class Broken(LastFirst):
        def prescore(self, requests, pool):
            return super().prescore(requests, pool)[:, 1:]

    with pytest.raises(ContractError, match=r"merge_order\.prescore\(\) == shape .* must have"):
        funnel(ranker=Broken()).serve(requests_)


def test_a_funnel_that_is_renewed_serves_as_one_that_was_made_so_and_its_twins_with_it(
    funnel, channel, learned, many, index
):
    old, new = funnel(ranker=learned, a=channel("a", 1), b=channel("b", 7)), channel("b", 11)
    twin, other = old.twin(), old.twin(MergeOrderRanker())
    old.renew({"b": new}, MergeOrderRanker())
    wanted = funnel(ranker=MergeOrderRanker(), a=channel("a", 1), b=new)
    for each in (old, twin, other, wanted):
        each.refresh(index)
    for each in (old, twin, other):
        assert_same(each.serve(many), wanted.serve(many))
    old.renew({}, learned)
    assert twin.ranker is learned
    assert other.ranker is not learned


def test_a_funnel_is_not_renewed_with_a_channel_that_it_does_not_have(funnel, channel):
    with pytest.raises(ConfigError, match="channel == 'b', must be one of the stage's: a"):
        funnel(a=channel("a", 1)).renew({"b": channel("b", 7)})
