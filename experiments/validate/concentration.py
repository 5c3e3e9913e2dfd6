"""How purchases gather on few items."""

from collections.abc import Iterator

from experiments.records.validity import Check, Concentration
from experiments.validate.evidence import PeriodLog
from experiments.validate.verdicts import Wanted, ranged, share_of

TOP = {
    0.01: Wanted(0.05, 0.12, "diginetica: 7.3 %; UCI Online Retail II: 10.3 %"),
    0.10: Wanted(0.25, 0.45, "diginetica: 31 %"),
}
"""Shares of the items that were bought at all, and of purchases that they hold."""

_POINTS = (0.005, 0.01, 0.02, 0.05, *(at / 20 for at in range(2, 21)))


def concentrated(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """The share of purchases that the most bought items hold.

    Intervals are over shoppers, for these very items. With few purchases an item, chance alone
    makes some items look popular; the note says how many purchases there are for how many items.
    """
    _rank(log)
    whole = log.row("SELECT count(*) AS items, sum(n)::BIGINT AS purchases FROM bought")
    items, purchases = whole["items"], whole["purchases"] or 0
    note = f"{purchases} purchases of {items} items"
    for top, wanted in TOP.items():
        held = _held(items, top)
        told = log.columns(
            f"SELECT count(*) FILTER (rank <= {held})::DOUBLE AS held, count(*)::DOUBLE AS n "
            f"FROM {log.own('orders')} JOIN bought USING (item) GROUP BY shopper"
        )
        found = share_of(told["held"], told["n"], confidence)
        fact = f"top_{100 * top:.0f}_percent_of_items"
        yield ranged(
            *(log.period, fact, "share", found, wanted),
            n=purchases,
            arm=log.arm_name,
            note=f"the {held} most bought; {note}" if items else note,
        )


def lorenz(log: PeriodLog) -> tuple[Concentration, ...]:
    """Points of the curve of purchases by item; none where nothing was bought."""
    _rank(log)
    whole = log.row("SELECT count(*) AS items, sum(n)::BIGINT AS purchases FROM bought")
    if not whole["items"]:
        return ()
    tops = sorted({_held(whole["items"], at) for at in _POINTS})
    return tuple(
        Concentration(
            held / whole["items"],
            int(log.row(f"SELECT sum(n)::BIGINT AS n FROM bought WHERE rank <= {held}")["n"])
            / whole["purchases"],
        )
        for held in tops
    )


def _held(items: int, top: float) -> int:
    """How many items the top of them are, at least one."""
    return max(1, round(top * items))


def _rank(log: PeriodLog) -> None:
    """The items that were bought, the most bought first; of equals the lower id."""
    log.connection.execute(
        "CREATE OR REPLACE TEMP TABLE bought AS "
        "SELECT item, n, row_number() OVER (ORDER BY n DESC, item) AS rank "
        f"FROM (SELECT item, count(*) AS n FROM {log.own('orders')} GROUP BY item)"
    )
