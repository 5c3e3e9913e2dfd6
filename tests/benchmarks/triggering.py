"""How much narrower an interval is when only those count to whom pages differ.

    python -m tests.benchmarks.triggering --folder runs/triggering

A split of shoppers over an arm without and one with a further channel, which is asked for few or
many candidates, is lived and watched. The gain is the variance of the plain estimate over that of
the diluted one: as many times more shoppers does the plain test need. Its interval is the
bootstrap's over shoppers, of 95 %.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from experiments.config.loading import load_config
from experiments.inference.triggered.parts import SINCE, parts
from experiments.running.worlds import open_world
from tests.benchmarks.interleaving import BASE, METRICS, ROUNDS, TABLES, trained_pipeline

LIMITS = (1, 2, 5, 20, 100)
"""Candidates that the further channel is asked for."""

SETTINGS = ('arms.control.channels=["lexical","popular"]', "design.triggered=true")


@dataclass(frozen=True)
class Shoppers:
    """A row for each shopper who searched.

    Attributes:
        arm_S: their arm.
        since_S: whether they are triggered.
        whole_S, part_S: what they did in all, and from the trigger on.
    """

    arm_S: np.ndarray
    since_S: np.ndarray
    whole_S: np.ndarray
    part_S: np.ndarray


def shoppers(log: Path, metric: str) -> Shoppers:
    """From a watched log."""
    own = f"read_parquet('{log / TABLES[metric]}/*.parquet')"
    found = duckdb.sql(
        f"WITH parts AS ({parts(log, 'shopper')}), "
        f"done AS (SELECT request, sum({METRICS[metric]})::DOUBLE AS n FROM {own} GROUP BY ALL) "
        f"SELECT shopper, any_value(arm) AS arm, bool_or(part = {SINCE}) AS since, "
        "coalesce(sum(n), 0) AS whole, "
        f"coalesce(sum(n) FILTER (part = {SINCE}), 0) AS part "
        f"FROM read_parquet('{log / 'requests'}/*.parquet') AS r JOIN parts USING (request) "
        "LEFT JOIN done USING (request) GROUP BY shopper"
    ).fetchnumpy()
    columns = (np.asarray(found[name]) for name in ("arm", "since", "whole", "part"))
    return Shoppers(*columns)


def gain(rows: Shoppers, w_S: np.ndarray) -> float:
    """Variance of the plain over that of the diluted estimate, with weights of shoppers."""
    share = float(w_S @ rows.since_S / w_S.sum())
    plain = triggered = effect = 0.0
    for arm, sign in ((0, -1), (1, 1)):
        here = w_S * (rows.arm_S == arm)
        plain += spread(rows.whole_S, here)[1]
        mean, error = spread(rows.part_S, here * rows.since_S)
        triggered, effect = triggered + error, effect + sign * mean
    diluted = share**2 * triggered + effect**2 * share * (1 - share) / w_S.sum()
    return plain / diluted


def spread(value_S: np.ndarray, w_S: np.ndarray) -> tuple[float, float]:
    """Weighted mean, and its squared error."""
    total = w_S.sum()
    mean = float(w_S @ value_S / total)
    return mean, float(w_S @ (value_S - mean) ** 2 / total / total)


@dataclass(frozen=True)
class Row:
    """What watching brings where a channel adds so many candidates."""

    limit: int
    metric: str
    pages: float
    share: float
    gain: float
    low: float
    high: float


def study(folder: Path, *overrides: str, limits: tuple[int, ...] = LIMITS) -> list[Row]:
    """Live a watched experiment for each limit, and compare both estimates."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.toml").write_text(BASE)
    rows = []
    for limit in limits:
        own = (*SETTINGS, f"arms.treatment.limits.dense={limit}", *overrides)
        config = load_config(folder / "base.toml", own)
        with trained_pipeline(config, folder / "run") as (pipeline, trained):
            job = pipeline.experiment(trained)
            log = folder / f"log-{limit}"
            open_world(job, log).run(lambda requests: None)
        told = f"SELECT avg(differs::DOUBLE) FROM read_parquet('{log}/triggers/*.parquet')"
        ((pages,),) = duckdb.sql(told).fetchall()
        for metric in METRICS:
            found, rng = shoppers(log, metric), np.random.default_rng(0)
            count = len(found.arm_S)
            weights = rng.multinomial(count, np.full(count, 1 / count), ROUNDS)
            low, high = np.quantile([gain(found, each) for each in weights], [0.025, 0.975])
            point = gain(found, np.ones(count))
            share = float(found.since_S.mean())
            rows.append(Row(limit, metric, pages, share, point, float(low), float(high)))
    return rows


def main() -> None:
    """Print the table of docs/designs.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[])
    chosen = parser.parse_args()
    for row in study(chosen.folder, *chosen.set):
        print(
            f"{row.limit:4} {row.metric:7} pages {row.pages:6.1%} shoppers {row.share:6.1%} "
            f"gain {row.gain:5.2f} ({row.low:.2f} to {row.high:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
