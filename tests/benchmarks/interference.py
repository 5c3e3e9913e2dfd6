"""How far estimators of an experiment whose arms touch each other are from the truth.

    python -m tests.benchmarks.interference tests/benchmarks/interference.toml \\
        --folder runs/interference --seeds 1 2 3 4
    python -m tests.benchmarks.interference tests/benchmarks/scarce.toml \\
        --folder runs/scarce --seeds 1 2 3 4 --causes stock

Of each seed a shop is lived five times on one luck: with everybody in control, with everybody in
the last arm (the truth), and split by shoppers, by periods of time, and by shoppers in a ramp-up.
Once with stock that sells out, and once with plenty of stock and a ranker that all arms teach from
one log; there also split by shoppers, with a ranker of each arm. The numbers are orders per shopper
and day, from what happened in each world.

    naive               split of shoppers, the arms compared
    shadow prices       the same log; an order that took a unit that was missing later counts 0
    switchback          split of hours, those of the day compared with themselves
    ramp-up, naive      the arms compared step by step
    message passing     the ramp-up's log, the state rolled forward; the truth without the first day
    own training        split of shoppers, where each arm's ranker learns from its own log
    weighted training   split of shoppers, where it learns from both arms' log, weighted

Intervals are of 95 %, Student's, over seeds: each has its own shop, people and luck. The spread is
the standard deviation of estimate less truth over seeds, its interval by the chi-square law. It has
the luck of clicks and orders of both worlds in it.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy import stats

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.inference.interference.messagepassing import total_effect
from experiments.inference.interference.rollout import read_rollout
from experiments.inference.interference.shadowprices import corrected_value, displacing
from experiments.inference.logs import scan
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.cells import open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.records.files import read_json, write_json
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import WorldJob, open_world
from experiments.stages.keys import stage_key
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from simulator.living.shelves.stock import StockTrace

LUCK = "interference"
CAUSES = {
    "stock": [],
    "learning": ["catalog.stock_days=1000", "world.updates.every_days=2"],
}
STEPS = "design.ramp_up=[{day=2,part=0.25},{day=5,part=0.5},{day=8,part=1.0}]"
DESIGNS = {
    "shopper": [],
    "switchback": ["design.type=switchback", "design.period=3600"],
    "ramp_up": [STEPS],
}
TRAININGS = {
    "own training": ["world.updates.log=per_arm"],
    "weighted training": ["world.updates.log=weighted"],
}
"""Also splits of shoppers, where models learn in the experiment."""

Found = dict[str, dict[str, float]]
"""By estimator, the estimate and the truth that it is of; NaN where there is none."""


class Shelf:
    """Notes when shelves of a world were emptied and filled."""

    end = math.inf

    def __init__(self) -> None:
        self.moves: list[tuple[float, int, bool]] = []

    def __call__(self, *block: Any) -> None:
        """What was asked and shown is of no interest."""

    def refresh(self, index: Any) -> None:
        """Nothing is to be read."""

    def advance(self, opened: Any, until: float) -> None:
        """Sessions are of no interest."""

    def settle(self, trace: StockTrace, until: float) -> None:
        """Keep what emptied a shelf, and what filled it."""
        left = trace.stock_I.copy()
        for at, item, units in trace.moves:
            if units == 0 or units > left[item]:
                self.moves.append((at, item, units == 0))
            left[item] = units


def read(config: Config, changes: list[str], load: Any, folder: Path) -> Found:
    """All estimates and truths of one seed and cause."""
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, late, early)
        truth_AT = np.array(
            [
                lived_days(pipeline.one_arm("alone", LUCK, arm, trained, followed=False), maker)
                for arm in (0, len(config.arms) - 1)
            ]
        )
        truth_T = (truth_AT[1] - truth_AT[0]) / config.shoppers.count
        whole, later = float(truth_T.mean()), float(truth_T[1:].mean())
        level = float(truth_AT[0].mean()) / config.shoppers.count
        found = {"truth": {"estimate": whole, "truth": level}}
        designs = DESIGNS | (TRAININGS if config.world.updates.every_days else {})
        for name, design in designs.items():
            each = load([*changes, *design])
            job = replace(Pipeline(each, maker).experiment(trained), luck=LUCK)
            log = lived(job, name.replace(" ", "-"), maker)
            for estimator, value in estimated(each, name, log).items():
                truth = later if estimator == "message passing" else whole
                found[estimator] = {"estimate": value, "truth": truth}
    return found


def estimated(config: Config, design: str, place: Path) -> dict[str, float]:
    """What the log of a design tells, in orders per shopper and day."""
    log, days = place / "log", config.world.days
    if design == "shopper":
        return by_shopper(config, place)
    if design in TRAININGS:
        return {design: by_shopper(config, place)["naive"]}
    (row, _), *_ = grouped(config, log)
    if design == "switchback":
        return {"switchback": number(row.effect.estimate) / days}
    rollout = read_rollout(log, "orders", config.arms[-1].name)
    found = total_effect(rollout, resamples=2, rng=np.random.default_rng(config.seed))
    naive = number(row.effect.estimate) / days
    return {"ramp-up, naive": naive, "message passing": number(found.effect.estimate)}


def grouped(config: Config, log: Path) -> list[Any]:
    """The estimates of the design."""
    layout = config.design.layout(config.world.history_days)
    assert layout is not None
    contrast = (config.arms[0].name, config.arms[-1].name)
    with open_cells(log, layout, [METRICS["orders"]]) as cells:
        return grouped_estimates(cells, [METRICS["orders"]], [contrast], confidence=0.95)


def by_shopper(config: Config, place: Path) -> dict[str, float]:
    """The arms compared, with what orders count and with what stock leaves of it."""
    log, last = place / "log", len(config.arms) - 1
    shopper_N, item_N, at_N = (
        duckdb.sql(f'SELECT shopper, item, "at" FROM {scan(log, "orders")}').fetchnumpy().values()
    )
    arm_U = duckdb.sql(f"SELECT arm FROM {scan(log, 'assignments')} ORDER BY unit").fetchnumpy()[
        "arm"
    ]
    moves = read_json(place / "moves.json")
    at_M, item_M, empty_M = (np.array(column) for column in zip(*moves, strict=True))
    taken_N = displacing(item_N.astype(np.int64), at_N, item_M, at_M, empty_M.astype(bool))
    found = {}
    for name, worth_N in (
        ("naive", np.ones(len(item_N))),
        ("shadow prices", corrected_value(np.ones(len(item_N)), taken_N)),
    ):
        worth_U = np.bincount(shopper_N, worth_N, minlength=len(arm_U)) / config.world.days
        found[name] = float(worth_U[arm_U == last].mean() - worth_U[arm_U == 0].mean())
    return found


def lived_days(job: WorldJob, maker: Maker) -> np.ndarray:
    """(T,) orders of each day of a world."""
    log = lived(job, f"alone-{job.arm}", maker) / "log"  # type: ignore[attr-defined]
    rows = duckdb.sql(f"SELECT day, count(*) AS n FROM {scan(log, 'orders')} GROUP BY day")
    of = dict(rows.fetchall())
    first = job.config.world.history_days
    return np.array([of.get(first + day, 0) for day in range(job.config.world.days)], float)


def lived(job: WorldJob, name: str, maker: Maker) -> Path:
    """A world with its log and the moves of its shelves; it is lived once in a folder."""
    key = stage_key(name, [job.luck], task=lived, inputs=[job.stage.key])
    stage = maker.run.stage(name, key)
    job = replace(job, stage=stage)
    if not stage.finished:
        with stage.write() as place:
            opened, shelf = open_world(job, place / "log"), Shelf()
            opened.world.follow(shelf)
            opened.run(lambda requests: None)
            write_json(place / "moves.json", shelf.moves)
    return stage.path


def number(found: float | None) -> float:
    """NaN where there is none."""
    return math.nan if found is None else found


def told(readings: list[dict[str, Found]]) -> Iterator[str]:
    """Bias and spread of each estimator, by cause."""
    yield "| cause | estimator | truth | estimate | bias | spread | root mean square error |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for cause in readings[0]:
        for name in readings[0][cause]:
            if name == "truth":
                continue
            rows = [each[cause][name] for each in readings if name in each[cause]]
            estimate_N, truth_N = (
                np.array([row[key] for row in rows]) for key in ("estimate", "truth")
            )
            known_N = np.isfinite(estimate_N)
            estimate_N, truth_N = estimate_N[known_N], truth_N[known_N]
            off_N = estimate_N - truth_N
            cells = [mean(truth_N), mean(estimate_N), mean(off_N), spread(off_N)]
            cells.append(f"{np.sqrt((off_N**2).mean()):.4f}" if len(off_N) else "")
            yield f"| {cause} | {name} ({len(off_N)}) | {' | '.join(cells)} |"


def mean(found_N: np.ndarray) -> str:
    """A mean and its interval; without one where there is one seed."""
    if len(found_N) < 2:
        return f"{found_N[0]:+.4f}" if len(found_N) else ""
    reach = float(stats.t.ppf(0.975, len(found_N) - 1)) / len(found_N) ** 0.5
    return f"{found_N.mean():+.4f} ±{reach * float(found_N.std(ddof=1)):.4f}"


def spread(found_N: np.ndarray) -> str:
    """A standard deviation and its interval; nothing where there is one seed."""
    free = len(found_N) - 1
    if free < 1:
        return ""
    found = float(found_N.std(ddof=1))
    low, high = (found * math.sqrt(free / stats.chi2.ppf(part, free)) for part in (0.975, 0.025))
    return f"{found:.4f} ({low:.4f} to {high:.4f})"


def main() -> None:
    """Print what each seed tells, and all together."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--causes", nargs="+", choices=CAUSES, default=list(CAUSES))
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    readings: list[dict[str, Found]] = []
    for seed in asked.seeds:
        found = {}
        for cause in asked.causes:
            changes = [*CAUSES[cause], *asked.set, f"seed={seed}"]

            def load(more: list[str]) -> Config:
                return load_config(asked.config, more)

            folder = asked.folder / f"seed-{seed}-{cause}"
            found[cause] = read(load(changes), changes, load, folder)
            write_json(folder / "found.json", found[cause])
        readings.append(found)
        print(f"seeds {asked.seeds[: len(readings)]}", *told(readings), sep="\n", flush=True)


if __name__ == "__main__":
    main()
