"""What it does to an A/B test that both arms' models learn from one log.

    python -m tests.benchmarks.sharing tests/experiments/small.toml --folder runs/sharing \\
        --seeds 1 2 3 4 --set world.days=8 --set world.updates.every_days=2

Of each seed a shop is lived with everybody in control, with everybody in the last arm (the truth),
and split over both: with one log for all, with a log for each arm, and with the log of all weighted
for each arm (`weighted`, which the ranker alone can learn from). All are of one luck. In a split
world the pages of both arms are followed for every shopper, by the models that the arm has
on that day, and what they are expected to bring is compared. That is what an A/B test in this world
estimates, but for the luck of who is in which arm and of who clicks and buys: with it the small
difference from the truth could not be seen. The difference is the bias: what arms take from each
other through the log, stock and counts. Without updates it is that of stock and counts alone.

Intervals are of 95 %, Student's, over seeds: each has its own shop, people and luck.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.records.files import read_json, write_json
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import WorldJob, open_world
from experiments.stages.keys import stage_key
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from ranking.funnel import Funnel
from simulator.following.walk import ExpectedWalk, follow

LUCK = "sharing"
EVENTS = ("clicks", "orders", "gmv")
LOGS = ("none", "shared", "per_arm", "weighted")
"""From what models learn in the experiment: not at all, from all arms, from their own arm, from all
arms with weights that make the log as their own."""

Sums = dict[str, dict[str, float]]
"""By arm, what is expected of everybody's visits with its pages."""


def with_log(config: Config, log: str) -> Config:
    """The settings with updates from such a log."""
    changed = {"every_days": 0} if log == "none" else {"log": log}
    updates = config.world.updates.model_copy(update=changed)
    world = config.world.model_copy(update={"updates": updates})
    return config.model_copy(update={"world": world})


def read(config: Config, folder: Path) -> dict[str, Sums]:
    """By log, what is expected of both arms in the split world, and `truth-LOG` of the truth."""
    found: dict[str, Sums] = {}
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        for log in LOGS:
            each = with_log(config, log)
            pipeline = Pipeline(each, maker)
            catalogue = pipeline.catalogue()
            history = pipeline.history(catalogue)
            late, early = pipeline.models.channels(catalogue, history)
            trained = pipeline.models.trained(catalogue, history, late, early)
            arms = (0, len(each.arms) - 1)
            job = replace(pipeline.experiment(trained), luck=LUCK)
            found[log] = lived(job, f"split-{log}", maker)
            truth = {}
            if log in ("none", "shared"):  # who is alone shares with nobody
                for arm in arms:
                    one = pipeline.one_arm("alone", LUCK, arm, trained)
                    truth |= lived(one, f"alone-{each.arms[arm].name}-{log}", maker)
                found[f"truth-{log}"] = truth
    found |= {f"truth-{log}": found["truth-shared"] for log in ("per_arm", "weighted")}
    return found


def lived(job: WorldJob, name: str, maker: Maker) -> Sums:
    """What is expected of every arm's pages in a world; it is lived once in a folder."""
    key = stage_key(name, [job.luck], task=lived, inputs=[job.stage.key])
    stage = maker.run.stage(name, key)
    job = replace(job, stage=stage)
    if not stage.finished:
        with stage.write() as place:
            opened = open_world(job, place / "log")
            services = getattr(opened.service, "services", (opened.service,))
            walks: dict[str, ExpectedWalk] = {
                each.name: follow(opened.world, each.twin(), own=len(services) == 1)
                for each in services
                if isinstance(each, Funnel)
            }
            opened.run(lambda requests: None)
            sums = {
                arm: {event: float(walk.totals()[event].sum()) for event in EVENTS}
                for arm, walk in walks.items()
            }
            write_json(place / "sums.json", sums)
    found: Sums = read_json(stage.path / "sums.json")
    return found


def effect(sums: Mapping[str, Mapping[str, float]], event: str) -> float:
    """Of the last arm over the first, relative."""
    first, *_, last = sums.values()
    return last[event] / first[event] - 1


def told(readings: list[dict[str, Sums]]) -> Iterator[str]:
    """The effect in both worlds and the difference, over seeds."""
    yield "| log | event | A/B test | truth | bias |"
    yield "|---|---|--:|--:|--:|"
    for log in LOGS:
        for event in EVENTS:
            split_N = np.array([effect(each[log], event) for each in readings])
            truth_N = np.array([effect(each[f"truth-{log}"], event) for each in readings])
            cells = [shown(column_N) for column_N in (split_N, truth_N, split_N - truth_N)]
            yield f"| {log} | {event} | {' | '.join(cells)} |"


def shown(found_N: np.ndarray) -> str:
    """A mean and its interval; without one where there is one seed."""
    if len(found_N) == 1:
        return f"{found_N[0]:+.2%}"
    reach = float(student.ppf(0.975, len(found_N) - 1)) / len(found_N) ** 0.5
    half = reach * float(np.std(found_N, ddof=1))
    return f"{found_N.mean():+.2%} ±{half:.2%}"


def main() -> None:
    """Print what each seed tells, and all together."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    readings = []
    for seed in asked.seeds:
        config = load_config(asked.config, [*asked.set, f"seed={seed}"])
        readings.append(read(config, asked.folder / f"seed-{seed}"))
        print(f"seed {seed}", *told(readings[-1:]), sep="\n", flush=True)
    if len(readings) > 1:
        print("all seeds", *told(readings), sep="\n", flush=True)


if __name__ == "__main__":
    main()
