"""Causal credit is unbiased in an enumerated world, and gives a mere finder nothing."""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.designs.settings import InterleavingDesign
from experiments.inference.analysis import analyse
from experiments.inference.interleaved.causalcredit import (
    causal_credit,
    has_contest,
    told_by_item,
)
from experiments.inference.metrics import CLICKS, METRICS, Metric
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import CausalCredit
from ranking.interleaving.draft import NOT, SHOWN, contest
from tests.experiments.inference.logs import ARMS, write_log, write_table
from tests.experiments.inference.parity import read
from tests.experiments.inference.triggered.watched import write_again

PAIR = (ARMS[0], ARMS[1])
ORDERS, GMV = METRICS["orders"], METRICS["gmv"]
ONE, TWO, SLOTS = [0, 1, 2, 3], [4, 1, 5, 0], 4  # contested are 2, 3 of control and 4, 5


def credited(log: Path, *metrics: Metric, confidence: float = 0.95) -> list:
    return causal_credit(duckdb.connect(), log, metrics, PAIR, confidence=confidence)


Outcome = Callable[[tuple[int, ...]], dict[int, float]]
"""What is bought of which items in the session of a first page, whatever is on it."""


def worlds() -> Iterator[tuple[tuple[int, ...], dict[int, tuple[int, bool]]]]:
    """Every page that coins can make, equally likely, with arm and fate of contested items."""
    orders = np.array([ONE], np.int32), np.array([TWO], np.int32)
    for first, coins in product(product([0, 1], repeat=4), product([0, 1], repeat=2)):
        found = contest(
            *(orders, np.array([first], np.int8), np.array([coins], np.int8)),
            *(np.array([SLOTS]), np.array([2 * SLOTS])),
        )
        team, column = found.drafted.team_BD[0, :SLOTS], found.drafted.column_BD[0, :SLOTS]
        page = tuple(int(orders[t][0, c]) for t, c in zip(team, column, strict=True))
        fates = {
            int(orders[arm][0, place]): (arm, fate == SHOWN)
            for arm in (0, 1)
            for place, fate in enumerate(found.fates[arm][0])
            if fate != NOT
        }
        yield page, fates


def written(folder: Path, outcome: Outcome) -> Path:
    """One shopper for each page, whose session holds the page and a later request."""
    rows: dict[str, list] = {"asked": [], "contested": [], "bought": []}
    for shopper, (page, fates) in enumerate(worlds()):
        session = shopper << 20
        for number in (0, 1):
            rows["asked"].append((session << 8 | number, session, shopper))
        for item, (arm, on_page) in fates.items():
            rows["contested"].append((session << 8, item, arm, on_page))
        for item, count in outcome(page).items():
            of = session << 8 | (item not in page)  # from the page, or from the later one
            rows["bought"] += [(of, session, shopper, item, 2.0, 3)] * int(count)
    columns = {
        "asked": "request session shopper",
        "contested": "request item arm on_page",
        "bought": "request session shopper item price quantity",
    }
    names = {"asked": "requests", "bought": "orders", "contested": "contested"}
    for kind, found in rows.items():
        table = pd.DataFrame(found, columns=columns[kind].split())
        write_table(folder / names[kind], {c: table[c].to_numpy() for c in table})
    manifest = '{"channels": [], "arms": ["control", "treatment"], "faults": []}'
    (folder / "manifest.json").write_text(manifest)
    return folder


def taste(page: tuple[int, ...]) -> dict[int, float]:
    """Purchases that hang on the whole page: places, rivals, and what is found elsewhere."""
    bought = {item: float(3 - place) for place, item in enumerate(page)}
    bought[4] = 2.0 + (4 in page) - (5 in page and 4 in page)
    if 2 not in page:
        bought[2] = 1.0 if 3 in page else 4.0  # found later, and less where 3 has sated
    return {item: max(count, 0.0) for item, count in bought.items()}


def finder(page: tuple[int, ...]) -> dict[int, float]:
    """5 is bought whether it is on the page or not; 2 only where it is."""
    return {5: 3.0, **({2: 1.0} if 2 in page else {})}


@pytest.mark.parametrize("outcome", [taste, finder])
def test_credit_is_what_items_bring_over_all_coins_of_a_small_world(
    tmp_path: Path, outcome: Outcome
) -> None:
    """Every page that coins can make is one shopper's: their mean is the expectation, exactly."""
    log = written(tmp_path / "log", outcome)
    every = list(worlds())
    credit = {0: 0.0, 1: 0.0}
    for item, arm in ((2, 0), (3, 0), (4, 1), (5, 1)):
        with_it = [outcome(page).get(item, 0.0) for page, fates in every if fates[item][1]]
        without = [outcome(page).get(item, 0.0) for page, fates in every if not fates[item][1]]
        assert len(with_it) == len(without)
        credit[arm] += float(np.mean(with_it) - np.mean(without))
    ((row, reason), (money, _)) = credited(log, ORDERS, GMV)
    assert reason == ""
    assert row.control == pytest.approx(credit[0], abs=1e-12)
    assert row.treatment == pytest.approx(credit[1], abs=1e-12)
    assert row.effect.estimate == pytest.approx(credit[1] - credit[0], abs=1e-12)
    assert money.effect.estimate == pytest.approx(6 * row.effect.estimate, abs=1e-12)
    assert (row.n, row.pairs) == (64, 128)


def test_who_finds_what_is_bought_anyway_has_credit_of_slots_and_none_of_cause(
    tmp_path: Path,
) -> None:
    log = written(tmp_path / "log", finder)
    ((row, _),) = credited(log, ORDERS)
    assert row.treatment == pytest.approx(0.0, abs=1e-12)  # 5 is bought without it, too
    assert row.control == pytest.approx(1.0, abs=1e-12)
    on_page = np.mean(
        [sum(finder(page)[5] for _ in page if 5 in page) / SLOTS for page, _ in worlds()]
    )
    of_slots = np.mean([finder(page).get(2, 0.0) for page, _ in worlds()])
    assert on_page > of_slots  # by what is bought from its slots, the finder would win


def logged(folder: Path, **options: object) -> Path:
    """A log of interleaved pages, of every second of which ten items are contested."""
    log = write_log(folder, requests=3.0, clicks=0.2, orders=0.5, **options)  # type: ignore[arg-type]
    for name in ("requests", "sessions"):  # all count for control
        write_again(log, name, read(log, name).assign(arm=np.int8(0)))
    seen = read(log, "exposures")
    seen["item"] %= 40
    write_again(log, "exposures", seen)
    bought = read(log, "orders")
    bought["item"] %= 40
    write_again(log, "orders", bought)
    asked = read(log, "requests")["request"].to_numpy()[::2]
    rng = np.random.default_rng(2)
    coin = rng.random((len(asked), 5)) < 0.5
    item = np.stack([rng.permutation(40)[:10] for _ in asked])
    table = {
        "request": np.repeat(asked, 10),
        "item": item.ravel().astype(np.int32),
        "arm": np.tile(np.repeat([0, 1], 5), len(asked)).astype(np.int8),
        "on_page": np.concatenate([coin, ~coin], axis=1).ravel(),
    }
    write_table(log / "contested", table)
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logged(tmp_path_factory.mktemp("contested") / "log", shoppers=300)


@pytest.mark.parametrize("metric", [ORDERS, GMV, CLICKS], ids=lambda metric: metric.name)
def test_the_interval_is_students_over_shoppers(log: Path, metric: Metric) -> None:
    asked, seen, bought = (read(log, name) for name in ("requests", "exposures", "orders"))
    session = asked.set_index("request")["session"]
    if metric is CLICKS:
        done = seen[seen["clicked"]].assign(value=1.0)
        done["session"] = session.loc[done["request"]].to_numpy()
    else:
        done = bought.assign(value=1.0)
        if metric is GMV:
            done["value"] = bought["price"].astype(float) * bought["quantity"]
    table = read(log, "contested").merge(asked[["request", "session", "shopper"]], on="request")
    joined = table.merge(done, on=["session", "item"], suffixes=("", "_of"))
    joined = joined[joined["request_of"] >= joined["request"]]
    joined["x"] = np.where(joined["on_page"], 2, -2) * joined["value"]
    per = joined.groupby(["shopper", "arm"])["x"].sum().unstack(fill_value=0.0)
    per = per.reindex(asked["shopper"].unique(), fill_value=0.0)
    apart = per[1] - per[0]
    test = stats.ttest_1samp(apart, 0.0)
    low, high = test.confidence_interval(0.95)
    ((row, reason),) = credited(log, metric)
    assert reason == ""
    assert row.n == len(per)
    for ours, theirs in zip(
        (row.control, row.treatment, *row.effect.numbers, row.p_value),
        (per[0].mean(), per[1].mean(), apart.mean(), low, high, test.pvalue),
        strict=True,
    ):
        assert ours == pytest.approx(theirs, rel=1e-10)


def test_only_totals_of_what_is_done_with_items_have_causal_credit() -> None:
    assert [m.name for m in told_by_item([*METRICS.values(), CLICKS])] == [
        "gmv",
        "orders",
        "clicks",
    ]


def test_a_log_without_a_contest_or_an_outcome_has_a_reason(log: Path, tmp_path: Path) -> None:
    assert has_contest(log)
    assert not has_contest(write_log(tmp_path / "plain", shoppers=5))
    empty = logged(tmp_path / "empty", shoppers=20)
    write_again(empty, "contested", read(empty, "contested").iloc[:0])
    ((row, reason),) = credited(empty, ORDERS)
    assert row == CausalCredit("orders", PAIR, 20, 0, None, None, UNKNOWN, None)
    assert reason == "no arm has an item on its first pages that the other has not"
    unsold = logged(tmp_path / "unsold", shoppers=20)
    write_again(unsold, "orders", read(unsold, "orders").iloc[:0])
    ((row, reason),) = credited(unsold, ORDERS)
    assert (row.control, row.effect.estimate, row.effect.low) == (0.0, 0.0, None)
    assert reason == "contested items have no orders"


def test_the_analysis_of_an_interleaved_log_tells_it(log: Path) -> None:
    layout = InterleavingDesign(type="interleaving", causal=True).layout(0)
    found = analyse(
        *(log, None),
        name="a",
        arms=dict.fromkeys(ARMS, 0.5),
        control=ARMS[0],
        metrics=(*METRICS.values(), CLICKS),
        layout=layout,
    )
    assert [row.metric for row in found.causal] == ["gmv", "orders", "clicks"]
    assert found.srm == ()
    assert {row.design for row in found.estimates} == {"interleaving"}
    traffic = {row.arm: row.requests for row in found.health.requests}
    assert set(traffic.values()) == {len(read(log, "requests"))}


def test_a_preference_is_no_lift(log: Path, tmp_path: Path) -> None:
    interleaved = InterleavingDesign(type="interleaving").layout(0)
    ours = {"arms": dict.fromkeys(ARMS, 0.5), "control": ARMS[0]}
    asked = {"name": "a", "metrics": (ORDERS,), "primary": "orders", **ours}
    preferred = analyse(log, None, layout=interleaved, **asked)  # type: ignore[arg-type]
    assert preferred.estimate("orders", PAIR, cuped=False) is not None
    assert preferred.lift("orders", PAIR) is None
    assert (preferred.design, preferred.units) == ("interleaving", "slots")
    plain = write_log(tmp_path / "log", shoppers=200)
    split = analyse(plain, None, **asked)  # type: ignore[arg-type]
    assert split.lift("orders", PAIR) == split.estimate("orders", PAIR, cuped=False)
