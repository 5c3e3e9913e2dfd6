"""Figures of a log are those that a reader of its tables counts, and rising clicks are found."""

import math
import tracemalloc
from collections import Counter, defaultdict

import numpy as np
import pytest

from experiments.records.reading import row_of, rows_of
from experiments.records.validity import Verdict
from experiments.validate.concentration import lorenz
from experiments.validate.invariants import invariants
from experiments.validate.positions import blocks, falls, rates
from experiments.validate.ranges import ranges
from tests.experiments.small_runs import table
from tests.experiments.validate.evidences import evidence, log_of, spoiled


@pytest.fixture(scope="module")
def checks(small_run):
    with evidence(small_run) as found:
        return list(ranges(found))


@pytest.fixture(scope="module")
def log(small_run):
    folder = log_of(small_run, "history")
    names = ("requests", "sessions", "exposures", "orders", "latent", "texts")
    return {name: table(folder, name) for name in names}


def found(checks, fact, period="history"):
    return row_of(checks, fact=fact, period=period)


def test_purchases_carts_and_clicks_are_counted(checks, log):
    clicks, carts = log["exposures"].clicked.sum(), log["exposures"].carted.sum()
    orders = len(log["orders"])
    for fact, share in (
        ("purchase_per_click", orders / clicks),
        ("cart_per_click", carts / clicks),
        ("purchase_per_cart", orders / carts),
    ):
        row = found(checks, fact)
        assert row.found.estimate == pytest.approx(share)
        assert row.found.low < share < row.found.high


def test_figures_of_an_experiment_are_those_of_control(small_run, checks):
    folder = log_of(small_run, "experiment")
    shown, orders = table(folder, "exposures"), table(folder, "orders")
    share = (orders.arm == 0).sum() / shown.clicked[shown.arm == 0].sum()
    row = found(checks, "purchase_per_click", "experiment")
    assert row.found.estimate == pytest.approx(share)
    assert row.arm == "control"


def test_sessions_and_searches_are_counted(checks, log):
    requests = log["requests"].sort_values("request")
    clicked = set(log["exposures"].request[log["exposures"].clicked])
    searches, queries = Counter(), Counter()
    hit = set()
    for row in requests.itertuples():
        queries[row.session] += row.page == 0
        searches[row.session, queries[row.session]] += 1
        if row.request in clicked:
            hit.add((row.session, queries[row.session]))
    bought = set(log["orders"].session)
    share = log["sessions"].session.isin(bought).mean()
    assert found(checks, "session_conversion").found.estimate == pytest.approx(share)
    row = found(checks, "searches_with_a_click")
    assert row.found.estimate == pytest.approx(len(hit) / len(searches))
    median = found(checks, "queries_per_session_median").found
    assert median.estimate == math.floor(np.median(list(queries.values())))


def test_baskets_are_what_one_session_bought(checks, log):
    baskets = defaultdict(list)
    for row in log["orders"].itertuples():
        baskets[row.session].append(row.price * row.quantity)
    sizes = [len(each) for each in baskets.values()]
    values = [math.log(sum(each)) for each in baskets.values()]
    assert found(checks, "items_per_order").found.estimate == pytest.approx(np.mean(sizes))
    assert found(checks, "items_per_order").n == len(baskets)
    sigma = found(checks, "sigma_of_log_order_value").found
    assert sigma.estimate == pytest.approx(np.std(values))
    assert sigma.low < sigma.estimate < sigma.high
    buyers = Counter(log["orders"].drop_duplicates("session").shopper)
    again = np.mean([count > 1 for count in buyers.values()])
    assert found(checks, "repeat_buyers").found.estimate == pytest.approx(again)


def test_concentration_is_of_the_items_that_were_bought(small_run, checks, log):
    counts = sorted(Counter(log["orders"].item).values(), reverse=True)
    for top in (0.01, 0.1):
        held = max(1, round(top * len(counts)))
        row = found(checks, f"top_{100 * top:.0f}_percent_of_items")
        assert row.found.estimate == pytest.approx(sum(counts[:held]) / sum(counts))
        assert f"{sum(counts)} purchases of {len(counts)} items" in row.note
    with evidence(small_run) as opened:
        curve = lorenz(opened.history)
    assert (curve[-1].items, curve[-1].purchases) == (1.0, 1.0)
    assert list(curve) == sorted(curve, key=lambda point: point.items)
    assert all(point.purchases >= point.items for point in curve)


def test_never_asked_is_the_second_half_against_the_first(checks, log):
    requests = log["requests"].sort_values("request")
    firsts = requests.drop_duplicates("session")
    late = firsts[firsts.day >= 1]
    known = set(requests.text[requests.day < 1])
    row = found(checks, "first_queries_never_asked")
    assert row.found.estimate == pytest.approx((~late.text.isin(known)).mean())
    assert row.n == len(late)


def test_spellings_are_those_of_ten_drawn_without_replacement(checks, log):
    firsts = log["requests"].sort_values("request").drop_duplicates("session")
    joined = firsts.merge(log["latent"], on="request")
    expected = []
    for _, own in joined.groupby(["intent", "wording"]):
        n = len(own)
        if n >= 10:
            counts = Counter(own.text).values()
            whole = math.comb(n, 10)
            expected.append(sum(1 - math.comb(n - count, 10) / whole for count in counts))
    row = found(checks, "spellings_in_ten_askings")
    assert row.n == len(expected) > 5
    assert row.found.estimate == pytest.approx(np.mean(expected))


def test_blocks_of_places_are_the_next_ones_and_doubling_ones():
    pairs = [(0, 0, 1, 1), (1, 1, 2, 2), (2, 2, 3, 3), (3, 3, 4, 4), (4, 4, 5, 5), (5, 5, 6, 6)]
    doubled = [(1, 1, 2, 3), (2, 3, 4, 6)]
    found = [(*before, *after) for before, after in blocks(7)]
    assert found == [*pairs, *doubled]
    assert list(blocks(1)) == list(blocks(0)) == []


def test_clicks_fall_from_place_to_place_in_a_sound_run(checks):
    rows = [row for row in checks if row.fact.startswith("ctr_rise_on_")]
    assert len(rows) == 4
    assert {row.verdict for row in rows} <= {Verdict.PASS, Verdict.WARN}


def rise_at_the_fourth(rows):
    rows.loc[rows.position == 3, "clicked"] = True


def rise_slowly(rows):
    """From the ninth place on, more is clicked than in the four places before."""
    rate = rows.clicked[(rows.position >= 4) & (rows.position < 8)].mean()
    luck = np.random.default_rng(3).random(len(rows))
    low = rows.position >= 8
    rows.loc[low, "clicked"] = luck[low] < 5 * rate


@pytest.mark.parametrize(("change", "place"), [(rise_at_the_fourth, "place 4"), (rise_slowly, "9")])
def test_clicks_that_rise_are_found(small_run, tmp_path, change, place):
    spoil = spoiled(log_of(small_run, "history"), tmp_path / "log", "exposures", change)
    with evidence(small_run, history=spoil) as opened:
        rows = list(falls(opened.history, 0.95))
    assert all(row.verdict is Verdict.FAIL for row in rows)
    assert all(place in row.note for row in rows)
    assert all(row.found.low > 0 for row in rows)


def test_the_picture_has_every_place_of_first_pages(small_run, log):
    with evidence(small_run) as opened:
        told = list(rates(opened.history, 0.95))
    first = log["exposures"].merge(log["requests"][["request", "page", "device"]], on="request")
    first = first[first.page == 0]
    for device, name in enumerate(("phone", "desktop")):
        own = first[first.device == device].groupby("position").clicked.agg(["size", "mean"])
        rows = rows_of(told, device=name)
        assert [row.exposures for row in rows] == own["size"].tolist()
        assert [row.ctr.estimate for row in rows] == pytest.approx(own["mean"].tolist())


def test_what_nobody_bought_is_told_and_not_computed(small_run, tmp_path):
    spoil = spoiled(
        log_of(small_run, "history"), tmp_path / "log", "orders", lambda rows: rows.iloc[:0]
    )
    with evidence(small_run, history=spoil) as opened:
        rows = rows_of(list(ranges(opened)), period="history")
    untold = {row.fact for row in rows if row.verdict is Verdict.UNTOLD}
    assert {"items_per_order", "repeat_buyers", "top_1_percent_of_items"} <= untold
    none = row_of(rows, fact="purchase_per_click")
    assert none.verdict is not Verdict.PASS
    assert none.found.estimate == none.found.low == 0 < none.found.high


def test_memory_does_not_grow_with_the_rows(small_run, tmp_path):
    """The same shoppers with eight times the rows, counted by what Python itself holds."""

    def peak(folder):
        with evidence(small_run, history=folder) as opened:
            alone = (each for each in (*invariants(opened), *falls(opened.history, 0.95)))
            tracemalloc.start()
            try:
                assert list(alone)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    folder = log_of(small_run, "history")
    often = tmp_path / "often"
    for name in ("assignments", "texts", "requests", "sessions", "exposures", "orders", "latent"):
        for shard in (folder / name).glob("*.parquet"):
            for copy in range(8):
                target = often / name / f"part-{copy:05d}-{shard.name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(shard)
    (often / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    assert peak(often) < 1.5 * peak(folder)
