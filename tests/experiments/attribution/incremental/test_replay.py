import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.attribution.incremental import plans, replay as replays
from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.pages import CoalitionPages
from experiments.attribution.incremental.plans import AllCoalitions
from experiments.attribution.incremental.replay import TABLES, ReplayJob, replay, replay_jobs
from experiments.attribution.incremental.replaywalk import TASTES
from experiments.records.attribution import EVENTS
from experiments.running.models import LOG
from experiments.running.worlds import open_world
from simulator.errors import DataError, StoreError
from simulator.following.walk import follow
from tests.experiments.attribution.incremental.replay_runs import replayed, small_arm

pytestmark = pytest.mark.long

CHANNELS = ("lexical", "popular", "odd", "nothing")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """An arm with an open run folder, and the replay of two of its worlds."""
    with small_arm(tmp_path_factory.mktemp("shop"), *CHANNELS) as arm:
        yield SimpleNamespace(arm=arm, found=replayed(arm, seeds=2))


def of(found, kind, channel=-1, other=-1):
    """By event, the sum of an index over worlds and shoppers."""
    index = Index(kind, channel, other)
    return np.array([found.worths.table(event, index).sum() for event in EVENTS])


def along(job, folder, witness):
    """Live a world again under a witness that also gets the world."""
    opened = open_world(job, folder)
    opened.world.watch(lambda *block: witness(opened, *block))
    opened.run(lambda requests: None)


def test_replaying_all_channels_gives_what_is_expected_of_the_world_were_nothing_gone(
    shop, tmp_path
):
    """The same kernel along the same paths: equal for every shopper, not only on average."""
    opened = open_world(shop.arm.world(1), tmp_path / "log")
    walk = follow(opened.world, opened.service.twin(), tastes=TASTES)
    opened.run(lambda requests: None)
    totals = walk.totals()
    table, names = shop.found.worths, ("exposures", "clicks", "carts", "orders", "gmv")
    here = np.isin(shop.found.shopper_U, totals["shopper"])
    for event, name in zip(EVENTS, names, strict=True):
        wanted = totals[name] + totals.get(f"lost_{name}", 0.0)
        total_U = table.table(event, Index("total"))[1]
        np.testing.assert_allclose(total_U[here], wanted, rtol=1e-9, atol=1e-12)
        assert wanted.sum() > 0
    np.testing.assert_array_equal(table.exposed_SU[1] > 0, here)


def test_pages_of_coalitions_equal_those_of_the_funnel_without_the_other_channels(shop, tmp_path):
    """Also where coalitions share a page because a channel found nothing or came too late."""
    plan = AllCoalitions(len(CHANNELS))
    checked, kinds = [], set()

    def witness(opened, requests, needs, pages, reactions):
        funnel, rows = opened.service, np.arange(0, len(requests), 3)
        untraced = replace(requests, traced_B=np.zeros(len(requests), np.bool_))
        answers = funnel.ask(untraced)
        coalitions = CoalitionPages(funnel, CHANNELS, plan)
        served = list(coalitions(coalitions.ask(requests.rows(rows))))
        in_order = np.concatenate([s.rows_B for s in served])
        np.testing.assert_array_equal(in_order, np.arange(len(rows)))
        for mask in range(1, plan.columns):
            out_B = np.full(len(requests), (plan.columns - 1) & ~mask)
            direct = funnel.pages(answers, out_B)
            for part in served:
                page_B = part.pair_BX[:, mask]
                shown = page_B >= 0
                kinds.update((shown & True).tolist())
                there, here = rows[part.rows_B[shown]], page_B[shown]
                for name in ("items_BK", "sources_BK", "scores_BK", "latency_B"):
                    np.testing.assert_array_equal(
                        getattr(part.pages, name)[here], getattr(direct, name)[there]
                    )
                assert (direct.items_BK[rows[part.rows_B[~shown]]] == -1).all()
                blank_B = part.blank_BX[~shown, mask]
                np.testing.assert_allclose(
                    direct.latency_B[rows[part.rows_B[~shown]]], blank_B, rtol=1e-6
                )
        served_pages = sum(len(part.request_P) for part in served)
        checked.append((served_pages, len(rows) * (plan.columns - 1)))

    along(shop.arm.world(0), tmp_path / "log", witness)
    made, asked = np.sum(checked, axis=0)
    assert kinds == {True, False}
    assert 0 < made < 0.8 * asked


def test_shapley_values_add_up_to_what_all_channels_bring(shop):
    for event in EVENTS:
        parts = [shop.found.worths.table(event, Index("shapley", c)) for c in range(4)]
        total = shop.found.worths.table(event, Index("total"))
        np.testing.assert_allclose(sum(parts), total, atol=1e-9)
        assert total.sum() > 0


def test_a_channel_that_finds_nothing_and_takes_no_time_is_worth_exactly_nothing(shop):
    at = CHANNELS.index("nothing")
    worths = shop.found.worths
    of_it = [j for j, index in enumerate(worths.indices) if at in (index.channel, index.other)]
    assert len(of_it) == 6
    for event in EVENTS:
        assert not worths.values[event][:, :, of_it].any()
    assert not shop.found.fates_SUCF[:, :, at].any()
    assert shop.found.fates_SUCF[:, :, 0].any()


@pytest.mark.slow
def test_a_channel_that_finds_nothing_but_is_slow_costs_purchases(tmp_path):
    slow = ("channels.nothing.latency.base_s=0.04", "channels.nothing.latency.sigma=0.0")
    with small_arm(tmp_path, "lexical", "nothing", overrides=slow) as arm:
        found = replayed(arm)
    assert (of(found, "leave_one_out", 1) < 0).all()
    assert (of(found, "alone", 1) == 0).all()


def test_worths_of_coalitions_are_told_in_the_order_of_their_bitmasks(shop):
    worths = shop.found.worths
    assert worths.coalitions_M.tolist() == list(range(16))
    for e, event in enumerate(EVENTS):
        told_M = worths.worths[event].sum(axis=0)
        assert told_M[0] == 0
        np.testing.assert_allclose(told_M[15], of(shop.found, "total")[e], rtol=1e-12)
        lost = [told_M[15] - told_M[15 ^ 1 << c] for c in range(4)]
        left = [of(shop.found, "leave_one_out", c)[e] for c in range(4)]
        np.testing.assert_allclose(lost, left, atol=1e-9)


def arms_apart(found, channels):
    """Sums of the indices by names instead of numbers."""
    names = {}
    for index in found.worths.indices:
        who = frozenset(channels[c] for c in (index.channel, index.other) if c >= 0)
        names[index.kind, who] = of(found, index.kind, index.channel, index.other)
    return names


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A shop that has its text search twice, seen by a ranker that cannot tell."""
    names = ("lexical", "popular", "twin")
    folder = tmp_path_factory.mktemp("twins")
    with small_arm(folder, *names, at_once=True, blind=True, keep=600) as arm:
        yield SimpleNamespace(names=names, found=replayed(arm))


@pytest.mark.slow
def test_a_channel_that_is_there_twice_is_not_missed_and_its_value_is_halved(twins):
    found = twins.found
    for c in (0, 2):
        for event in EVENTS:
            assert not found.worths.table(event, Index("leave_one_out", c)).any()
    np.testing.assert_allclose(of(found, "shapley", 0), of(found, "shapley", 2), rtol=1e-9)
    np.testing.assert_allclose(of(found, "alone", 0), of(found, "alone", 2), rtol=1e-12)
    assert (of(found, "shapley", 0)[1:] > 0).all()
    assert (of(found, "interaction", 0, 2)[1:] < 0).all()


def test_without_a_twin_all_purchases_stay_where_they_were(twins):
    credited, same, other = twins.found.fates_SUCF[0, :, 0].sum(axis=0)
    assert credited > 0
    assert same == pytest.approx(credited, rel=1e-12)
    assert other == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_the_order_of_channels_only_orders_the_results(twins, tmp_path):
    names = ("twin", "lexical", "popular")
    with small_arm(tmp_path, *names, at_once=True, blind=True, keep=600) as arm:
        found = replayed(arm)
    before, after = arms_apart(twins.found, twins.names), arms_apart(found, names)
    assert before.keys() == after.keys()
    for index, sums in before.items():
        np.testing.assert_allclose(after[index], sums, rtol=1e-9, atol=1e-9)
    order = [names.index(name) for name in twins.names]
    np.testing.assert_allclose(
        found.fates_SUCF[:, :, order], twins.found.fates_SUCF, rtol=1e-9, atol=1e-12
    )


def in_parts(arm, parts, name, permutations=2):
    """The replay of one world in so many parts, not as many as `replay_jobs` would make."""
    world = arm.world(0)
    jobs = [
        ReplayJob(
            world,
            arm.maker.stage(f"{name}-{part}", [part, parts], inputs=[world.stage.key], task=replay),
            part,
            parts,
            permutations,
        )
        for part in range(parts)
    ]
    for job in jobs:
        replay(job, advance=lambda requests: None)
    return replays._read([jobs])


def same_bits(one, other):
    np.testing.assert_array_equal(one.shopper_U, other.shopper_U)
    np.testing.assert_array_equal(one.worths.exposed_SU, other.worths.exposed_SU)
    np.testing.assert_array_equal(one.fates_SUCF, other.fates_SUCF)
    for event in EVENTS:
        for name in ("values", "worths", "variance"):
            table, again = getattr(one.worths, name), getattr(other.worths, name)
            assert table.keys() == again.keys()
            if event in table:
                np.testing.assert_array_equal(table[event], again[event])


def test_the_number_of_parts_changes_no_bit(shop):
    whole = in_parts(shop.arm, 1, "whole")
    same_bits(whole, in_parts(shop.arm, 4, "quarters"))
    assert whole.worths.values["gmv"].any()


def test_a_channel_that_breaks_is_dropped_alike_in_every_part(tmp_path):
    """It breaks where one of a few shoppers asks, who are all in one part."""
    with small_arm(tmp_path, "lexical", "breaks") as arm:
        world = arm.world(0)
        arm.live("world", [world])
        manifest = json.loads((world.stage.path / LOG / "manifest.json").read_text())
        (fault,) = manifest["faults"]
        same_bits(in_parts(arm, 1, "whole"), in_parts(arm, 4, "quarters"))
    assert (fault["channel"], fault["reason"]) == ("breaks", "raised")
    assert 0 < fault["requests"] < manifest["rows"]["requests"]


@pytest.mark.slow
def test_the_number_of_processes_changes_no_bit(tmp_path):
    found = []
    for processes in (1, 2):
        override = (f"execution.processes={processes}",)
        folder = tmp_path / str(processes)
        with small_arm(folder, "lexical", "popular", overrides=override) as arm:
            found.append(replayed(arm, seeds=2))
    same_bits(*found)


def test_a_finished_replay_is_not_made_again(shop):
    before = len(shop.arm.maker.records)
    again = replayed(shop.arm, seeds=2)
    same_bits(again, shop.found)
    made = shop.arm.maker.records[before:]
    assert [record.cached for record in made if record.name.startswith("replay-")] == [True, True]


def test_nothing_but_tables_is_kept(shop):
    (job,) = replay_jobs(shop.arm, shop.arm.world(0), 2)
    assert sorted(path.name for path in job.stage.path.iterdir()) == [TABLES, "stage.json"]


def test_the_replay_of_another_log_is_refused(tmp_path):
    with small_arm(tmp_path, "lexical", "popular") as arm:
        world = arm.world(0)
        arm.live("world", [world])
        path = world.stage.path / LOG / "manifest.json"
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps(manifest | {"digest": "0" * 32}))
        with pytest.raises(DataError, match="made by another version"):
            replayed(arm)
        (job,) = replay_jobs(arm, world, 2)
        assert not job.stage.finished
        path.unlink()
        with pytest.raises(DataError, match="must be the log of a finished world"):
            replay(job, advance=lambda requests: None)


def test_spoiled_tables_are_refused(tmp_path):
    with small_arm(tmp_path, "lexical") as arm:
        replayed(arm)
        (job,) = replay_jobs(arm, arm.world(0), 2)
        (job.stage.path / TABLES).write_bytes(b"PK")
        with pytest.raises(StoreError, match="unreadable"):
            replayed(arm)


def test_a_single_channel_has_everything(tmp_path):
    with small_arm(tmp_path, "lexical") as arm:
        found = replayed(arm)
    for kind in ("leave_one_out", "alone", "shapley"):
        np.testing.assert_array_equal(of(found, kind, 0), of(found, "total"))
    assert of(found, "total")[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("orders", [2, 8])
def test_sampled_orders_agree_with_all_coalitions_within_their_stated_error(
    tmp_path, monkeypatch, orders
):
    """Of 25 gaps none is beyond 5 stated errors, and together they are as large as these say: the
    errors are estimates, too, of money from few dear items."""
    names = ("lexical", "popular", "odd", "titles", "itemcf")
    with small_arm(tmp_path, *names) as arm:
        exact = replayed(arm)
        for module in (plans, replays):
            monkeypatch.setattr(module, "EXACT_CHANNELS", 4)
        sampled = replayed(arm, permutations=orders)
    assert not exact.worths.variance
    gaps = []
    for event in EVENTS:
        for c in range(5):
            index = Index("shapley", c)
            gap = sampled.worths.table(event, index).sum() - exact.worths.table(event, index).sum()
            error = sampled.worths.sampling_error(event, index)
            assert error > 0
            assert abs(gap) < 5 * error
            gaps.append(gap / error)
            for kind in ("leave_one_out", "alone"):
                same = [each.worths.table(event, Index(kind, c)) for each in (sampled, exact)]
                np.testing.assert_allclose(*same, rtol=1e-9, atol=1e-12)
        parts = [sampled.worths.table(event, Index("shapley", c)) for c in range(5)]
        np.testing.assert_allclose(sum(parts), exact.worths.table(event, Index("total")), atol=1e-9)
    assert np.sqrt(np.mean(np.square(gaps))) < 2
    np.testing.assert_array_equal(sampled.fates_SUCF, exact.fates_SUCF)


@pytest.mark.slow
def test_nine_channels_are_sampled(tmp_path):
    names = ("lexical", "twin", "popular", "itemcf", "titles", "nothing", "odd", "brand", "words")
    with small_arm(tmp_path, *names, overrides=("shoppers.count=30",)) as arm:
        found = replayed(arm)
    assert len(found.worths.coalitions_M) == 1 + 2 * 9
    nothing = found.worths.channels.index("nothing")
    for event in EVENTS:
        parts = [found.worths.table(event, Index("shapley", c)) for c in range(9)]
        total = found.worths.table(event, Index("total"))
        np.testing.assert_allclose(sum(parts), total, atol=1e-9)
        assert total.sum() > 0
        assert not parts[nothing].any()
        assert found.worths.variance[event][nothing] == 0
        assert (np.delete(found.worths.variance[event], nothing) > 0).any()
