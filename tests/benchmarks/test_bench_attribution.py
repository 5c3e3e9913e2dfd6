"""Credit of six channels by all rules over pages, in every part of a log, against plain pandas."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from experiments.attribution.credit.credit import credit_rows
from experiments.attribution.credit.credited import credit_log
from experiments.attribution.credit.rises import crossed_sums, joint_rows
from experiments.attribution.credit.segments import QUERIES, Items
from experiments.config.attribution import BUILT_IN_RULES, PAGE_RULES, AttributionSpec
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.records.attribution import EVENTS
from tests.experiments.inference.logs import ARMS, DAY, write_log

CHANNELS = ("lexical", "popular", "itemcf", "dense", "social", "cqsid")
ITEMS, NEW = 20_000, 14 * DAY

AIM = 10e6 / 20  # exposures a second: ten million in twenty seconds on two cores
PEER = "pandas, whole tables in memory"

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "log"
    return write_log(folder, shoppers=900_000, days=7, requests=1.13, luck=1, channels=CHANNELS)


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(0)
    names = tuple(f"department > category {c:03}" for c in range(108))
    return Items(rng.integers(0, 108, ITEMS), names, rng.uniform(-30 * DAY, 7 * DAY, ITEMS))


def ours(log, items):
    with engine(EngineSpec()) as connection:
        rows = credit_rows(
            *(connection, log, read_manifest(log), AttributionSpec(rules=PAGE_RULES)),
            order=CHANNELS,
            catalog=items,
            confidence=0.95,
        )
    return {
        (r.rule, r.event, r.arm, r.cut, r.part, r.channel): (r.share.estimate, r.share.low)
        for r in rows
    }


def tables(log, items):
    """Exposures and orders with the part of each cut that a row belongs to."""
    requests = pd.read_parquet(log / "requests", columns=["request", "shopper", "at", "text"])
    counts = requests.groupby("text").size().reset_index(name="n")
    counts = counts.sort_values(["n", "text"], ascending=[False, True])
    before = (counts["n"].cumsum() - counts["n"]) / counts["n"].sum()
    kind = np.digitize(before, [1 / 3, 2 / 3])
    requests["query"] = requests["text"].map(dict(zip(counts["text"], kind, strict=True)))
    first = requests.groupby("shopper")["at"].transform("min")
    requests["shopper_new"] = requests["at"] - first <= NEW
    pages = requests.set_index("request")[["at", "query", "shopper_new"]]
    columns = ["request", "shopper", "arm", "day", "item", "sources", "best_ranked"]
    result = []
    for name, more in (("exposures", ["clicked", "carted"]), ("orders", ["price", "quantity"])):
        table = pd.read_parquet(log / name, columns=[*columns, *more])
        page = pages.loc[table["request"]]
        table["all"] = 0
        table["query"] = page["query"].to_numpy()
        table["shopper_part"] = page["shopper_new"].to_numpy()
        table["category"] = items.category_I[table["item"]]
        table["item_part"] = page["at"].to_numpy() - items.created_at_I[table["item"]] <= NEW
        result.append(table)
    top = result[0]["category"].value_counts().reset_index()
    top = top.sort_values(["count", "category"], ascending=[False, True])["category"][:20]
    for table in result:
        table["category"] = table["category"].where(table["category"].isin(top), -1)
    return result


def credits(table, rule):
    found = table["sources"].to_numpy()[:, None] >> np.arange(len(CHANNELS)) & 1
    if rule == "any_touch":
        return found
    if rule == "exclusive":
        return found * (found.sum(1, keepdims=True) == 1)
    if rule == "fractional":
        return found / found.sum(1, keepdims=True)
    if rule == "first":
        return np.arange(len(CHANNELS)) == found.argmax(1)[:, None]
    best = table["best_ranked"].to_numpy()[:, None] >> np.arange(len(CHANNELS)) & 1
    return best / best.sum(1, keepdims=True)


LABELS = {
    "all": lambda value: "",
    "day": str,
    "query": lambda value: QUERIES[value],
    "category": lambda value: "others" if value < 0 else f"category {value:03}",
    "item": lambda value: ("known", "new")[int(value)],
    "shopper": lambda value: ("known", "new")[int(value)],
}


def shares(table, weights, rules, cuts):
    """Shares and standard errors by groups of shoppers, one column of credit at a time."""
    result = {}
    for rule in rules:
        credit = credits(table, rule)
        for event, weight in weights.items():
            frame = pd.DataFrame(credit * weight[:, None], columns=CHANNELS).assign(t=weight)
            for cut in cuts:
                column = {"item": "item_part", "shopper": "shopper_part"}.get(cut, cut)
                by = [table[name].to_numpy() for name in ("arm", column, "shopper")]
                units = frame.groupby(by, sort=False).sum()
                for (arm, part), one in units.groupby(level=[0, 1]):
                    total, n = one["t"].sum(), len(one)
                    if not total:
                        continue
                    share = one[list(CHANNELS)].sum() / total
                    linear = one[list(CHANNELS)] - np.outer(one["t"], share)
                    error = np.sqrt((linear**2).sum() * n / (n - 1)) / total
                    for channel in CHANNELS:
                        key = (rule, event, ARMS[arm], cut, LABELS[cut](part), channel)
                        result[key] = share[channel], error[channel]
    return result


def peers(log, items, rules=PAGE_RULES, cuts=tuple(LABELS)):
    exposures, orders = tables(log, items)
    weights = {
        "exposure": np.ones(len(exposures)),
        "click": exposures["clicked"].to_numpy(float),
        "cart": exposures["carted"].to_numpy(float),
    }
    money = orders["price"].to_numpy(float) * orders["quantity"].to_numpy()
    bought = {"purchase": np.ones(len(orders)), "gmv": money}
    return shares(exposures, weights, rules, cuts) | shares(orders, bought, rules, cuts)


def test_credit_by_five_rules_in_all_parts(race, log, items):
    """The peer applies one of the five rules to one of the six cuts; ours does all."""
    exposures = sum(pq.read_metadata(part).num_rows for part in log.glob("exposures/*"))
    found = race(
        f"credit of {exposures / 1e6:.1f}M exposures, 6 channels, 5 rules, 6 cuts",
        "exposures/s",
        exposures,
        lambda: ours(log, items),
        {f"{PEER}, 1 rule, 1 cut": lambda: peers(log, items, ("fractional",), ("category",))},
        aim_rate=AIM,
        rounds=2,
    )
    (peer,) = (value for name, value in found.items() if name != "ours")
    assert {key[1] for key in peer} == set(EVENTS)
    for key, (share, error) in peer.items():
        mine, low = found["ours"][key]
        assert mine == pytest.approx(share, rel=1e-9)
        if low:
            assert mine - low == pytest.approx(1.96 * error, rel=0.05)


def test_joint_tests_of_shares(race, log):
    exposures = sum(pq.read_metadata(part).num_rows for part in log.glob("exposures/*"))

    def tested():
        with engine(EngineSpec()) as connection:
            return joint_rows(crossed_sums(connection, log, read_manifest(log)))

    found = race(
        f"joint tests over {exposures / 1e6:.1f}M exposures, 6 channels, 2 rules",
        "exposures/s",
        exposures,
        tested,
        aim_rate=AIM,
        rounds=2,
    )
    assert all(0 <= row.p_value <= 1 for row in found["ours"])


def test_the_whole_credit_of_a_log(race, log, items):
    """What every run does: nine rules, paths and Markov chains among them, tests, sets, steps."""
    exposures = sum(pq.read_metadata(part).num_rows for part in log.glob("exposures/*"))
    arms = dict.fromkeys(ARMS, CHANNELS)

    def credited():
        return credit_log(log, items, AttributionSpec(), name="bench", arms=arms, confidence=0.95)

    found = race(
        f"the same by all 9 rules, with joint tests, {exposures / 1e6:.1f}M exposures",
        "exposures/s",
        exposures,
        credited,
        aim_rate=AIM,
        rounds=1,
    )
    assert {row.rule for row in found["ours"].credits} == set(BUILT_IN_RULES)
