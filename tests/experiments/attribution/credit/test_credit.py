import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

import experiments.attribution.credit.sums
from experiments.attribution.credit.pages import page_credits
from experiments.config.attribution import PAGE_RULES
from experiments.inference.logs import EngineSpec
from experiments.records.attribution import CUTS, EVENTS
from simulator.errors import ConfigError, ContractError
from tests.experiments.attribution.credit.credit_cases import (
    catalog,
    credited,
    events,
    hand_log,
    path_frame,
    plain_credits,
    rewrite,
)
from tests.experiments.inference.logs import ARMS, CHANNELS, write_log, write_table
from tests.experiments.inference.parity import read

WHOLE = ("first", "best_rank", "fractional")  # rules that give away exactly one event


@pytest.fixture(scope="module")
def found(log):
    return credited(log)


def test_a_page_of_three_items_is_credited_as_by_hand(tmp_path):
    log = hand_log(
        tmp_path / "log",
        [{"request": 1}],
        [
            {"request": 1, "item": 0, "sources": 0b001, "best_ranked": 0b001},
            {"request": 1, "item": 1, "sources": 0b011, "best_ranked": 0b010, "clicked": True},
            {"request": 1, "item": 2, "sources": 0b111, "best_ranked": 0b101},
        ],
        [{"request": 1, "item": 1, "price": 5.0, "quantity": 2, "sources": 3, "best_ranked": 2}],
    )
    rows = credited(log, order=("c", "b", "a"))
    by_hand = {
        "any_touch": (3, 2, 1),
        "exclusive": (1, 0, 0),
        "first": (1, 1, 1),
        "best_rank": (1.5, 1, 0.5),
        "fractional": (1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3),
    }
    for rule, credits in by_hand.items():
        ours = [rows[rule, "exposure", "one", "all", "", channel].credit for channel in "abc"]
        assert ours == pytest.approx(credits)
    gmv = [rows["fractional", "gmv", "one", "all", "", channel].credit for channel in "abc"]
    assert gmv == [5.0, 5.0, 0.0]
    assert rows["best_rank", "click", "one", "all", "", "b"].share.estimate == 1.0
    assert rows["best_rank", "click", "one", "all", "", "b"].share.low is None


def wilson_peer(share: float, linear: DescrStatsW) -> tuple[float, float]:
    """statsmodels' interval of a share, on the count that has the same standard error."""
    count = share * (1 - share) / linear.std_mean**2
    quantile = stats.t.ppf(0.975, linear.nobs - 1)
    level = 2 * stats.norm.sf(quantile)  # the level at which a normal quantile is Student's
    return proportion_confint(share * count, count, alpha=level, method="wilson")


@pytest.mark.parametrize("event", EVENTS)
def test_shares_and_intervals_equal_pandas_and_statsmodels_to_ten_digits(log, event, found):
    table = events(log, event)
    for a, arm in enumerate(ARMS):
        rows = table[table["arm"] == a]
        who, number = np.unique(rows["shopper"], return_inverse=True)
        t = np.bincount(number, rows["weight"])
        for rule in PAGE_RULES:
            credit = plain_credits(rule, rows, len(CHANNELS)) * rows[["weight"]].to_numpy()
            for c, channel in enumerate(CHANNELS):
                x = np.bincount(number, credit[:, c], len(who))
                share = x.sum() / t.sum()
                linear = DescrStatsW(share + (x - share * t) / t.mean())
                row = found[rule, event, arm, "all", "", channel]
                ours = [row.credit, row.total, row.share.estimate]
                np.testing.assert_allclose(ours, [x.sum(), t.sum(), share], rtol=1e-10)
                np.testing.assert_allclose(row.share.ends, wilson_peer(share, linear), rtol=1e-10)
                assert row.shoppers == (t != 0).sum()


def test_intervals_in_a_part_are_those_of_a_log_of_that_part_alone(log, found):
    table = events(log, "click")
    table = table[(table["day"] == 1) & (table["arm"] == 0)]
    t = table["weight"].groupby(table["shopper"]).sum()
    x = table["weight"] / [int(m).bit_count() for m in table["sources"]] * (table["sources"] & 1)
    x = x.groupby(table["shopper"]).sum()
    share = x.sum() / t.sum()
    ends = wilson_peer(share, DescrStatsW(share + (x - share * t) / t.mean()))
    row = found["fractional", "click", "control", "day", "1", "lexical"]
    np.testing.assert_allclose(row.share.numbers, [share, *ends], rtol=1e-10)


logs = st.fixed_dictionaries(
    {
        "shoppers": st.integers(1, 60),
        "requests": st.floats(1, 3),
        "clicks": st.sampled_from((0.0, 0.1, 0.9)),
        "orders": st.sampled_from((0.0, 0.3, 1.0)),
        "channels": st.integers(1, 7).map(lambda n: tuple(f"channel {c}" for c in range(n))),
        "seed": st.integers(0, 2**20),
        "slots": st.integers(1, 12),
    }
)
some = settings(max_examples=6)


def numbers(row):
    values = (row.credit, row.total, *row.share.numbers, row.shoppers)
    return [np.nan if value is None else value for value in values]


@some
@given(logs)
def test_credit_is_conserved_whatever_the_log(tmp_path_factory, drawn):
    log = write_log(tmp_path_factory.mktemp("property") / "log", **drawn)
    paths = path_frame(log, ("my.rule-1",), len(drawn["channels"]))
    rows = credited(log, (*PAGE_RULES, "my.rule-1"), paths=paths)
    given_away, whole = {}, {}
    parts = {}  # credit and total summed over the parts of a cut
    for (rule, event, arm, cut, part, channel), row in rows.items():
        given_away.setdefault((rule, event, arm, cut, part), []).append(row.credit)
        whole[rule, event, arm, cut, part] = row.total
        sums = parts.setdefault((rule, event, arm, channel), {name: [0.0, 0.0] for name in CUTS})
        sums[cut][0] += row.credit
        sums[cut][1] += row.total
    for key, credits in given_away.items():
        if key[0] in (*WHOLE, "my.rule-1"):
            assert sum(credits) == pytest.approx(whole[key], rel=1e-9)
    for (rule, event, arm, channel), sums in parts.items():
        for part in sums.values():
            assert part == pytest.approx(sums["all"], rel=1e-9)
        if rule in WHOLE:
            low, high = (
                rows[edge, event, arm, "all", "", channel].credit
                for edge in ("exclusive", "any_touch")
            )
            slack = 1e-9 * sums["all"][1]
            assert low - slack <= sums["all"][0] <= high + slack


@some
@given(logs, st.randoms(use_true_random=False))
def test_renaming_channels_renames_the_rows(tmp_path_factory, drawn, random):
    log = write_log(tmp_path_factory.mktemp("renamed") / "log", **drawn)
    names = list(drawn["channels"])
    order = tuple(random.sample(names, len(names)))
    before = credited(log, order=order)
    moved = random.sample(range(len(names)), len(names))  # new bit of each channel

    def move(column):
        return lambda table: sum(
            ((table[column].to_numpy() >> c & 1) << to for c, to in enumerate(moved)),
            np.zeros(len(table), np.int32),
        ).astype(np.int32)

    for name in ("exposures", "orders"):
        rewrite(log, name, sources=move("sources"), best_ranked=move("best_ranked"))
    path = log / "manifest.json"
    listed = [names[moved.index(bit)] for bit in range(len(names))]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"channels": listed}))
    after = credited(log, order=order)
    assert before.keys() == after.keys()
    np.testing.assert_allclose(
        [numbers(after[key]) for key in before],
        [numbers(row) for row in before.values()],
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_channel_that_found_nothing_gets_nothing_anywhere(tmp_path):
    log = write_log(tmp_path / "log", shoppers=200, channels=("a", "b"), clicks=0.3)
    path = log / "manifest.json"
    path.write_text(path.read_text().replace('["a", "b"]', '["a", "b", "idle"]'))
    idle = [row for key, row in credited(log).items() if key[-1] == "idle"]
    assert {(row.credit, *row.share.numbers) for row in idle if row.total} == {
        (0.0, 0.0, None, None)
    }
    assert {row.cut for row in idle} == set(CUTS)


def test_an_arm_without_events_has_one_row_without_a_share(tmp_path):
    log = write_log(tmp_path / "log", shoppers=50, clicks=0.0)
    rows = [row for row in credited(log).values() if row.event == "click"]
    assert {(row.cut, row.part, row.credit, row.share.estimate) for row in rows} == {
        ("all", "", 0.0, None)
    }
    assert len(rows) == len(PAGE_RULES) * len(ARMS) * len(CHANNELS)


def test_rules_over_paths_are_summed_from_their_credits_of_each_event(log):
    rule = 'my "own".rule-1'
    paths = path_frame(log, (rule, "linear"), len(CHANNELS))
    rows = credited(log, ("linear", rule, "markov"), paths=paths)
    assert {key[0] for key in rows} == {"linear", rule}
    orders = events(log, "gmv").merge(
        paths[paths["event"] == "purchase"].drop_duplicates(["request", "item"]),
        on=["request", "item"],
    )
    orders = orders[orders["arm"] == 1]
    for c, channel in enumerate(CHANNELS):
        credit = orders[f"{rule}_{c}"]
        bought, money = (
            rows[rule, event, "treatment", "all", "", channel] for event in ("purchase", "gmv")
        )
        assert bought.credit == pytest.approx(credit.sum(), rel=1e-12)
        assert money.credit == pytest.approx((credit * orders["weight"]).sum(), rel=1e-12)


def test_a_seen_or_clicked_item_is_a_path_of_one_touch(log, found):
    rows = credited(log, ("linear",), paths=path_frame(log, ("linear",), len(CHANNELS)))
    for (_, event, *rest), row in rows.items():
        if event in ("exposure", "click"):
            other = found["fractional", event, *rest]
            assert (row.credit, row.share.estimate, row.share.low) == (
                other.credit,
                other.share.estimate,
                other.share.low,
            )


def test_an_item_twice_on_a_page_is_credited_twice_and_no_more(tmp_path):
    twice = {"request": 1, "item": 7, "sources": 3, "carted": True, "clicked": True}
    log = hand_log(tmp_path / "log", [{"request": 1}], [twice, twice], channels=("a", "b"))
    paths = path_frame(log, ("linear",), 2)
    rows = credited(log, ("linear",), paths=paths)
    ours = [rows["linear", "cart", "one", "all", "", channel].credit for channel in "ab"]
    assert ours == pytest.approx([paths["linear_0"].sum(), paths["linear_1"].sum()])


def test_paths_that_miss_a_purchase_are_refused(log):
    paths = path_frame(log, ("linear",), len(CHANNELS))
    with pytest.raises(ContractError, match=r"path_credits == \d+ events of purchase missing"):
        credited(log, ("linear",), paths=paths[paths["event"] == "cart"])


def test_threads_shards_and_the_order_of_rows_change_no_bit(tmp_path):
    one, other = (write_log(tmp_path / name, shoppers=300, clicks=0.3) for name in "ab")
    for name in ("exposures", "orders", "requests"):
        shuffled = read(other, name).sample(frac=1, random_state=np.random.default_rng(0))
        write_table(other / name, {c: shuffled[c].to_numpy() for c in shuffled}, 2)
    specs = (EngineSpec(threads=1), EngineSpec(threads=2))
    assert credited(one, engine_spec=specs[0]) == credited(other, engine_spec=specs[1])


def test_a_log_that_is_sorted_in_several_passes_gives_the_same(tmp_path, log, found, monkeypatch):
    monkeypatch.setattr(experiments.attribution.credit.sums, "PASS_ROWS", 7_000)
    monkeypatch.setattr(experiments.attribution.credit.sums, "BATCH_VALUES", 1)
    again = credited(log)
    assert again.keys() == found.keys()
    for key, row in found.items():
        assert again[key].shoppers == row.shoppers
        assert again[key].credit == pytest.approx(row.credit, rel=1e-12)
        assert again[key].share.low == (
            row.share.low if row.share.low is None else pytest.approx(row.share.low, rel=1e-9)
        )


def test_thirty_one_channels_are_credited_by_the_masks_that_occur(tmp_path):
    channels = tuple(f"c{c}" for c in range(31))
    log = write_log(tmp_path / "log", shoppers=60, channels=channels[:12])
    path = log / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"channels": channels}))
    rewrite(
        log,
        "exposures",
        sources=lambda table: np.where(table["item"] % 2, 1 << 30, 1 | 1 << 30).astype(np.int32),
        best_ranked=lambda table: np.full(len(table), 1 << 30, np.int32),
    )
    rows = credited(log)
    assert rows["any_touch", "exposure", "control", "all", "", "c30"].share.estimate == 1.0
    fractional = [
        rows["fractional", "exposure", "control", "all", "", c].share.estimate for c in channels
    ]
    assert sum(fractional) == pytest.approx(1.0)
    assert rows["best_rank", "exposure", "control", "all", "", "c30"].share.estimate == 1.0
    assert 0.2 < fractional[0] < 0.3


def test_the_order_must_name_every_channel_once(log):
    for order in (("lexical",), (*CHANNELS, "lexical"), ("other", *CHANNELS[1:])):
        with pytest.raises(ConfigError, match="must name every channel once"):
            credited(log, ("first",), order=order)


def test_an_unknown_rule_over_pages_is_refused():
    with pytest.raises(ConfigError, match="must be a rule over pages"):
        page_credits("last", np.array([1]), np.array([1]), 1, (0,))


def test_shoppers_who_all_agree_make_no_interval(tmp_path):
    log = write_log(tmp_path / "log", shoppers=40, channels=("a", "b", "c"))
    rewrite(log, "exposures", sources=lambda table: np.full(len(table), 7, np.int32))
    row = credited(log, items=catalog())["fractional", "exposure", "control", "all", "", "b"]
    assert row.share.estimate == pytest.approx(1 / 3)
    assert (row.share.low, row.share.high) == (None, None)
