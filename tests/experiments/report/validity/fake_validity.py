"""A validation that never was."""

from dataclasses import replace

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import (
    ChannelRecall,
    Check,
    Concentration,
    PositionRate,
    Validity,
    Verdict,
)

SHARE = Check(
    rung="ranges",
    period="history",
    fact="purchase_per_click",
    unit="share",
    found=Interval(0.0145, 0.0136, 0.0154),
    verdict=Verdict.PASS,
    n=71_796,
    low=0.005,
    high=0.02,
    source="RetailRocket, events: 0.84 %",
)
ITEMS = replace(
    SHARE,
    fact="items_per_order",
    unit="number",
    found=Interval(1.024, 1.014, 1.034),
    verdict=Verdict.FAIL,
    low=1.2,
    high=1.5,
    n=1_014,
)
PRESSURE = replace(
    ITEMS,
    period="experiment",
    arm="<control>",
    fact="recall_pressure_tail",
    found=Interval(1.1, 0.94, 1.26),
    verdict=Verdict.WARN,
    low=1.0,
    high=None,
    weak=True,
)
CONVERSION = replace(SHARE, fact="repeat_buyers", found=UNKNOWN, verdict=Verdict.UNTOLD, n=0)
BROKEN = Check(
    rung="invariants",
    period="history",
    fact="purchase_without_click",
    unit="violations",
    found=Interval(3.0, None, None),
    verdict=Verdict.FAIL,
    n=1_038,
    high=0.0,
    note="the first: request 12",
)
MOVED = Check(
    rung="controls",
    period="experiment",
    arm="treatment",
    fact="gmv_before",
    unit="test",
    found=Interval(0.21, -0.1, 0.52),
    verdict=Verdict.PASS,
    n=12_000,
    p_value=0.2,
    p_holm=1.0,
)
HIDDEN = replace(
    MOVED,
    rung="favouritism",
    arm="",
    fact="recall_of_<dense>_with_the_truth_permuted",
    found=Interval(0.0002, -0.0011, 0.0013),
)
FIRST = ChannelRecall(
    truth="match",
    measure="recall",
    channel="<dense>",
    place=1,
    found=Interval(0.31, 0.29, 0.33),
    random=0.004,
    random_in_category=0.11,
    over_next=Interval(0.02, 0.01, 0.03),
    judged_at_10=None,
    n=400,
)
SECOND = replace(
    FIRST, channel="lexical", place=2, found=Interval(0.29, 0.27, 0.31), over_next=UNKNOWN
)
GRADED = replace(
    SECOND,
    truth="grades",
    measure="ndcg_at_10",
    place=1,
    over_next=Interval(0.1, 0.05, 0.15),
    random_in_category=None,
    judged_at_10=0.9,
)


def fake_validity(*checks: Check) -> Validity:
    """A record of these checks, or of one of each kind."""
    places = [
        PositionRate("history", device, place, 1_000, Interval(rate, rate - 0.02, rate + 0.02))
        for device in ("phone", "desktop")
        for place, rate in enumerate((0.4, 0.2, 0.15, 0.1))
    ]
    return Validity(
        name="demo",
        confidence=0.95,
        checks=checks or (BROKEN, SHARE, ITEMS, PRESSURE, CONVERSION, MOVED, HIDDEN),
        positions=tuple(places),
        concentration=(Concentration(0.01, 0.06), Concentration(0.5, 0.7), Concentration(1.0, 1.0)),
        recalls=(FIRST, SECOND, GRADED),
        missing=("Everybody searches.",),
    )
