"""Erlang markets beside their closed forms: true effect, the test's, and with split shelves.

    python -m tests.benchmarks.erlang --folder runs/erlang

Runs the shipped `erlang` under the numbers that the slow tests have, and prints a table: sales of
an item in a lead time, measured with their standard errors, and below in italics the closed form.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tests.experiments.erlang_runs import DEEP, MARKETS, measured, settings
from tests.knowntruths import ErlangMarket

DAYS = 10


def rows(market: ErlangMarket, folder: Path, days: int) -> Iterator[str]:
    """A market: what was measured, and what is known."""
    name = f"{market.units}-{market.demand:g}-{market.control}-{market.treatment}"
    plain = measured(settings(market, days), folder / name)
    found, known = [plain.effect, plain.naive], [market.effect, market.naive(plain.treated)]
    if market.units % 2 == 0:
        split = settings(market, days, "design.stock=per_arm", "truth.seeds=1")
        parted = measured(split, folder / f"{name}-parts")
        found.append(parted.naive)
        known.append(market.split(parted.treated))
    numbers = f"{market.units} | {market.demand:g} | {market.control} | {market.treatment}"
    empty = " |" * (3 - len(found))
    yield (
        f"| {numbers} | "
        + " | ".join(f"{e:.3f} ± {error:.3f}" for e, error in found)
        + " |"
        + empty
    )
    yield "| | | | | " + " | ".join(f"*{each:.3f}*" for each in known) + " |" + empty


def main() -> None:
    """Run all, and print what is known as it comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--days", type=int, default=DAYS)
    asked = parser.parse_args()
    print("| N | lambda | p0 | p1 | true effect | split of shoppers | and of shelves |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for market in (*MARKETS, *DEEP):
        print(*rows(market, asked.folder, asked.days), sep="\n", flush=True)


if __name__ == "__main__":
    main()
