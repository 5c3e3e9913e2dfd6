"""Where the purchases credited (any-touch) to a channel go without it: by replay, or in worlds.

In a replay, on the very same requests, credited are the expected orders of the slots whose item the
channel found. On the page that the funnel would make without it, an item that is still there keeps
what it had, at most:

    same item   sum over the credited items of min(orders with, orders without)
    other item  what all other items gain together, at most what is left
    nowhere     the rest

The bounds are conventions of ours. A replay knows of no later purchase.

In worlds, the one with all channels and its twin without the channel have the same shoppers on the
same luck, so purchases can be told from each other by shopper, session and item. A purchase of the
full world is matched with at most one of its twin, in this order:

1. the same item in the same session: another channel found it, too (`same_item`);
2. another item in the same session (`other_item`);
3. a purchase in a later session, of whatever item (`later`);
4. none (`nowhere`).

Every purchase passes through step 1, whoever found it; where an item is bought several times in a
session, the k-th goes with the k-th. In steps 2 and 3 purchases that the channel had not found, and
that are gone all the same, compete for the same replacements. Those that it had found go first: its
absence took them off the page itself, while the others left only in their wake. So a fate says
which of the channel's purchases are not made up for even if every replacement is counted for them.
Among equals the one that was found earlier goes first. This order is a convention of ours; so is
matching at all: the luck of a purchase is its shopper's, but no shopper says what replaced what.

What is lost is gross: other purchases come that match none, also of shoppers who bought nothing
(`gained`). They are counted so that nowhere - gained is what both worlds differ by; purchases that
the channel had not found and that are gone all the same are taken off them.

A purchase counts where its page was asked for: "later" means that the page came later, because one
who would buy days after the session had decided in it. What is bought after the period ends is
nowhere.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.coalitions import CoalitionWorlds
from experiments.attribution.incremental.pages import Served
from experiments.inference.intervals.crossed import NOTHING, ratio, share
from experiments.inference.logs import EngineSpec, engine, scan
from experiments.records.attribution import FATES, GAINED, FateRow

Floats = NDArray[np.float64]

CREDITED, SAME_ITEM, OTHER_ITEM = range(3)
"""The columns of a replay's table of fates."""

_FOUND = "found, request, position, item"  # the order among equals


def add_fates(
    table_UCF: Floats,
    shopper_B: NDArray[np.int64],
    served: Served,
    orders_PK: Floats,
    weight_BX: Floats,
    pages: tuple[int, NDArray[np.int64]],
    bit_C: NDArray[np.int64],
) -> None:
    """Add the purchases of B requests to the table of their shoppers.

    Args:
        table_UCF: credited, same item and other item by shopper and channel; added to.
        shopper_B: row of each request's shopper.
        served: the requests, served to coalitions.
        orders_PK: expected orders of each slot of these pages.
        weight_BX: what these count for each coalition, about the chance of coming to the page.
        pages: columns of the coalition of all channels, and of all but each.
        bit_C: each channel's bit in the provenance.
    """
    all_column, without_C = pages
    empty = ((0, 1), (0, 0))  # the page of a coalition that shows nothing, number -1
    item_KP = np.pad(served.pages.items_BK, empty, constant_values=-1).T
    source_KP = np.pad(served.pages.sources_BK, empty).T
    orders_KP = np.where(item_KP >= 0, np.pad(orders_PK, empty).T, 0.0)
    whole_B1, then_BC = served.pair_BX[:, all_column, None], served.pair_BX[:, without_C]
    item_KB1 = item_KP[:, whole_B1]
    orders_KB1 = orders_KP[:, whole_B1] * weight_BX[:, all_column, None]
    then_KBC = orders_KP[:, then_BC] * weight_BX[:, without_C]
    found_KBC = (item_KB1 >= 0) & (source_KP[:, whole_B1] >> bit_C & 1 > 0)
    stays_KHBC = found_KBC[:, None] & (item_KB1[:, None] == item_KP[:, then_BC])
    credited_BC = (orders_KB1 * found_KBC).sum(axis=0)
    same_BC = (np.minimum(orders_KB1[:, None], then_KBC) * stays_KHBC).sum(axis=(0, 1))
    others_BC = (then_KBC - (then_KBC * stays_KHBC).sum(axis=0)).sum(axis=0)
    gained_BC = others_BC - (orders_KB1 * ~found_KBC).sum(axis=0)
    other_BC = np.minimum(np.maximum(gained_BC, 0.0), credited_BC - same_BC)
    np.add.at(table_UCF, shopper_B, np.stack([credited_BC, same_BC, other_BC], axis=-1))


def replay_fate_rows(
    arm: str, channels: Sequence[str], fates_SUCF: Floats, lost_SUC: Floats, *, confidence: float
) -> list[FateRow]:
    """The fates of each channel's purchases (same item, another one, nowhere), and what is gained.

    Args:
        arm: name.
        channels: C names.
        fates_SUCF: credited, same item and other item by world, shopper and channel.
        lost_SUC: leave-one-out values of purchases.
        confidence: level of the intervals over worlds and shoppers.
    """
    rows = []
    for c, channel in enumerate(channels):
        credited_SU, same_SU, other_SU = np.moveaxis(fates_SUCF[:, :, c], -1, 0)
        rest_SU = np.maximum(credited_SU - same_SU - other_SU, 0.0)
        parts = {"same_item": same_SU, "other_item": other_SU, "nowhere": rest_SU}
        for fate, part_SU in (parts | {GAINED: rest_SU - lost_SUC[:, :, c]}).items():
            found = NOTHING
            if credited_SU.size:
                found = ratio(part_SU, credited_SU, confidence=confidence, tested=True)
            told = "replay", arm, channel, fate, float(part_SU.sum())
            rows.append(FateRow(*told, found.interval))
    return rows


def world_fate_rows(worlds: CoalitionWorlds, *, confidence: float) -> list[FateRow]:
    """The fates of the purchases credited (any-touch) to each channel, and what is gained.

    The units of the intervals are the shoppers with such purchases, of what is gained all who buy
    in either world, crossed with the seeds.

    Args:
        worlds: with at least all channels, and all but each one.
        confidence: level of the intervals.

    Raises:
        DataError: a log is not whole.
    """
    rows = []
    with engine(EngineSpec()) as connection:
        for number, channel in enumerate(worlds.channels):
            fates_FSU = _fates(connection, worlds, number)
            credited_SU = fates_FSU[:-1].sum(axis=0)
            having_U = credited_SU.any(axis=0)
            for fate, part_SU in zip((*FATES, GAINED), fates_FSU, strict=True):
                found = NOTHING
                if having_U.any() and fate == GAINED:
                    found = ratio(part_SU, credited_SU, confidence=confidence)
                elif having_U.any():
                    part, whole = part_SU[:, having_U], credited_SU[:, having_U]
                    found = share(part, whole, confidence=confidence)
                told = "worlds", worlds.arm, channel, fate, float(part_SU.sum())
                rows.append(FateRow(*told, found.interval))
    return rows


def _fates(connection: duckdb.DuckDBPyConnection, worlds: CoalitionWorlds, channel: int) -> Floats:
    """(F + 1, S, U) credited purchases by fate, and gained ones, of all who buy in any world."""
    twins = worlds.without(channel) or (None,) * len(worlds.full)
    bit = 1 << worlds.bits[channel]
    pairs = list(zip(worlds.full, twins, strict=True))
    found = [connection.execute(shopper_fates(*pair, bit)).fetchnumpy() for pair in pairs]
    fewer = [connection.execute(_fewer_purchases(*pair)).fetchnumpy() for pair in pairs]
    shopper_U = np.unique(np.concatenate([np.asarray(each["shopper"]) for each in fewer]))
    fates_FSU = np.zeros((len(FATES) + 1, len(found), len(shopper_U)))
    for seed, (fates, less) in enumerate(zip(found, fewer, strict=True)):
        place = np.searchsorted(shopper_U, np.asarray(fates["shopper"]))
        for row, fate in enumerate(FATES):
            fates_FSU[row, seed, place] = fates[fate]
        place = np.searchsorted(shopper_U, np.asarray(less["shopper"]))
        fates_FSU[-1, seed] = fates_FSU[-2, seed]
        fates_FSU[-1, seed, place] -= less["fewer"]
    return fates_FSU


def shopper_fates(log: Path, without: Path | None, bit: int) -> str:
    """SQL of the credited purchases of each shopper who has any, by fate.

    Step 3 counts along a shopper's time those gone that wait for a replacement. Where one comes
    and none waits the count goes below 0, so its depth is how many of the twin replace nothing.

    Args:
        log: of the world with all channels.
        without: of its twin without the channel; None where nothing is shown there.
        bit: bitmask of the channel in `sources`.

    Returns:
        SQL of rows (shopper, and a column for each of `FATES`).
    """
    twin = f"{_purchases(log, 0)} WHERE false" if without is None else _purchases(without, 0)
    return f"""
    WITH full_world AS ({_numbered(f"({_purchases(log, bit)})", "session, item", _FOUND)}),
    twin AS ({_numbered(f"({twin})", "session, item", _FOUND)}),
    gone AS (FROM full_world ANTI JOIN twin USING (session, item, k)),
    come AS (FROM twin ANTI JOIN full_world USING (session, item, k)),
    gone_here AS ({_numbered("gone", "session", f"credited DESC, {_FOUND}")}),
    come_here AS ({_numbered("come", "session", _FOUND)}),
    moments AS (
        SELECT shopper, found, 1 AS step FROM gone_here ANTI JOIN come_here USING (session, k)
        WHERE credited
        UNION ALL
        SELECT shopper, found, -1 FROM come_here ANTI JOIN gone_here USING (session, k)
    ),
    waiting AS (
        SELECT shopper, step, sum(step) OVER (
            PARTITION BY shopper ORDER BY found, step DESC ROWS UNBOUNDED PRECEDING
        ) AS open FROM moments
    ),
    later AS (
        SELECT shopper, count(*) FILTER (step < 0) - greatest(-min(open), 0) AS later,
            count(*) FILTER (step > 0) AS left_over
        FROM waiting GROUP BY shopper
    ),
    gone_counts AS (
        SELECT shopper, count(*) AS gone FROM gone WHERE credited GROUP BY shopper
    ),
    counts AS (
        SELECT shopper, count(*) AS credited, coalesce(any_value(gone), 0) AS gone,
            coalesce(any_value(left_over), 0) AS left_over, coalesce(any_value(later), 0) AS later
        FROM full_world LEFT JOIN gone_counts USING (shopper) LEFT JOIN later USING (shopper)
        WHERE credited GROUP BY shopper
    )
    SELECT shopper, credited - gone AS same_item, gone - left_over AS other_item,
        later::BIGINT AS later, (left_over - later)::BIGINT AS nowhere
    FROM counts ORDER BY shopper
    """


def _purchases(log: Path, bit: int) -> str:
    """SQL of the purchases of a world, with the moment in which their page was asked for."""
    return (
        "SELECT orders.shopper, orders.session, item, request, position, requests.at AS found, "
        f"sources & {bit} != 0 AS credited "
        f"FROM {scan(log, 'orders')} AS orders JOIN {scan(log, 'requests')} AS requests "
        "USING (request)"
    )


def _numbered(table: str, parts: str, order: str) -> str:
    """SQL of a table of purchases with their number k among those of equal columns."""
    listed = "shopper, session, item, request, position, found, credited"
    return (
        f"SELECT {listed}, row_number() OVER (PARTITION BY {parts} ORDER BY {order}) AS k "
        f"FROM {table}"
    )


def _fewer_purchases(log: Path, without: Path | None) -> str:
    """SQL of (shopper, fewer): how many purchases fewer each shopper makes in the twin."""
    worlds = [(log, 1), *([(without, -1)] if without is not None else [])]
    steps = (f"SELECT shopper, {step} AS step FROM {scan(one, 'orders')}" for one, step in worlds)
    union = " UNION ALL ".join(steps)
    return f"SELECT shopper, sum(step)::BIGINT AS fewer FROM ({union}) GROUP BY shopper"
