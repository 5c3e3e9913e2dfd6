"""Kinds of event: where a log holds them, what they weigh, and when a channel has a hand in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from experiments.inference.logs import exact_sum, scan
from experiments.records.attribution import Event


@dataclass(frozen=True)
class Kind:
    """One kind of event.

    Attributes:
        table: of the log that holds it.
        weight: SQL of what one row of the table counts: 0 for a row that is no such event.
        column: of the unit table that counts it.
    """

    table: str
    weight: str
    column: str


KINDS: Mapping[Event, Kind] = MappingProxyType(
    {
        "exposure": Kind("exposures", "1", "exposures"),
        "click": Kind("exposures", "clicked::INTEGER", "clicks"),
        "cart": Kind("exposures", "carted::INTEGER", "carts"),
        "purchase": Kind("orders", "1", "orders"),
        "gmv": Kind("orders", "price::DOUBLE * quantity", "gmv"),
    }
)
"""Of all events of `attribution.json`, in the order of the funnel."""

TOUCHES = MappingProxyType({"any_touch": "sources & {bit} != 0", "exclusive": "sources = {bit}"})
"""By rule, SQL of when an event counts for the channel of a bit: it found the item, or it alone."""


def touched_columns(events: Sequence[Event]) -> tuple[str, ...]:
    """The columns of `touched_events`: each event's total, then what each rule counts of it."""
    return tuple(name for each in events for name in (each, *(f"{each}_{r}" for r in TOUCHES)))


def touched_events(log: Path, events: Sequence[Event], bit: int, *, everybody: bool = False) -> str:
    """SQL of shoppers' events, and of those that count for one channel; see `touched_columns`.

    Sums are exact, so that they do not depend on the order of rows.

    Args:
        log: a log folder.
        events: which.
        bit: of the channel in `sources`.
        everybody: also rows, of zeros, of shoppers without such events.

    Returns:
        SQL of a row for each shopper with a row in a table that holds one of the events.
    """
    parts = [f"SELECT DISTINCT shopper FROM {scan(log, 'requests')}"] if everybody else []
    for table in dict.fromkeys(KINDS[event].table for event in events):
        sums = []
        for event in (each for each in events if KINDS[each].table == table):
            weight = KINDS[event].weight
            sums.append(f"{exact_sum(weight)} AS {event}")
            for rule, counts in TOUCHES.items():
                held = f"CASE WHEN {counts.format(bit=bit)} THEN {weight} ELSE 0 END"
                sums.append(f"{exact_sum(held)} AS {event}_{rule}")
        parts.append(f"SELECT shopper, {', '.join(sums)} FROM {scan(log, table)} GROUP BY shopper")
    total = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in touched_columns(events))
    return f"SELECT shopper, {total} FROM ({' UNION ALL BY NAME '.join(parts)}) GROUP BY shopper"
