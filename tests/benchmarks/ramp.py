"""Whether rankers that have seen what a new channel finds lose less of it.

    python -m tests.benchmarks.ramp demo --folder runs/ramp --set world.ramp.days=14
    python -m tests.benchmarks.ramp demo --folder runs/ramp --seeds 1 2 3 --set world.ramp.share=0.5

Of each seed a shop is lived twice, with the ramp and without. In both, the first pages of the last
arm are sampled in the days after the history, on the same luck, and filled by the ranker of this
history and by that of the other, from the same pools. What a page brings is
`simulator.behaviour.expectation.expected`, beside the best order that the truth knows of the pool.
Intervals are of 95 %, clustered by shopper within seeds. They know nothing of the luck of what was
clicked and bought in the histories, which is large: rankers learn from few purchases. What is told
over seeds holds that luck, too.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.running.models import MODEL, Trained, load_saved
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import open_world
from experiments.stages.progress import NoProgress
from ranking.ordering import best_first
from ranking.pages import blank_pages
from simulator.behaviour.behavior import Behavior
from simulator.behaviour.expectation import expected
from simulator.living.settings import RampSpec
from tests.benchmarks.rankers import LATENCY, Block, Cuts, Study, sampled

SHOPS = ("without", "ramp")
"""Of a ranker, and of the world in which it is judged."""

PARTS = ("all", "new")
EVENTS = ("clicks", "orders")


@dataclass(frozen=True)
class Reading:
    """What pages are expected to bring in one shop of one seed.

    Attributes:
        shopper_B: who asked.
        worth_BRPE: events of each page by each ranker and last by the oracle, of all items and of
            those that new channels alone found.
    """

    shopper_B: np.ndarray
    worth_BRPE: np.ndarray


def read(config: Config, folder: Path, share: float) -> dict[str, Reading]:
    """By shop, what its pages bring; all models are trained first."""
    plain_world = config.world.model_copy(update={"ramp": RampSpec()})
    plain = config.model_copy(update={"world": plain_world})
    rankers, sampled_of = {}, {}
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        for name, each in zip(SHOPS, (plain, config), strict=True):
            pipeline = Pipeline(each, maker)
            catalogue = pipeline.catalogue()
            history = pipeline.history(catalogue)
            late, early = pipeline.models.channels(catalogue, history)
            stages = pipeline.models.rankers(catalogue, history, late, early)
            rankers[name] = load_saved(stages[-1].path / MODEL, each)
            trained = Trained(catalogue, history, late, stages)
            job = pipeline.one_arm("sampled", "sampled", len(config.arms) - 1, trained)
            with job.stage.write() as place:
                sampled_of[name] = sampled(open_world(job, place / "log"), share)
    return {name: judged(config, *sampled_of[name], rankers) for name in SHOPS}


def judged(
    config: Config, behavior: Behavior, blocks: list[Block], rankers: dict[str, Any]
) -> Reading:
    """What the sampled pages of one shop bring, by each ranker and by the oracle."""
    study = Study(config, behavior, blocks, {}, {})
    cuts = Cuts(study)

    def order(ranker: Any) -> Callable[[Block], Any]:
        def made(block: Block) -> Any:
            ranker.refresh(block.index, 0)
            pool = cuts("facts", block, ranker)
            return pool, ranker.score(block.requests, pool)

        return made

    orders = [order(rankers[name]) for name in SHOPS]
    orders.append(lambda block: (block.pool, study.oracle(block, block.pool)))
    worth = [brought(study, config, each) for each in orders]
    return Reading(study.shopper_B, np.stack(worth, axis=1))


def brought(study: Study, config: Config, order: Callable[[Block], Any]) -> np.ndarray:
    """(B, P, E) what is expected of each page."""
    names = tuple(config.channels)
    new = sum(1 << names.index(name) for name in config.new_channels)
    found = []
    for block in study.blocks:
        study.behavior.utility.refresh(block.index)
        pool, scores_BN = order(block)
        order_BN = best_first(scores_BN, pool.items_BN)[:, : config.funnel.slots]
        items_BK = np.take_along_axis(pool.items_BN, order_BN, axis=1)
        sources_BK = np.take_along_axis(pool.sources_BN, order_BN, axis=1)
        items_BK[np.arange(items_BK.shape[1]) >= block.requests.slots_B[:, None]] = -1
        blank = blank_pages(*items_BK.shape, len(names), 0)
        latency_B = np.full(len(items_BK), LATENCY)
        pages = replace(blank, items_BK=items_BK, latency_B=latency_B)
        brings = expected(study.behavior, block.needs, pages, block.index.price_I)
        value_BKE = np.stack([getattr(brings, f"{event}_BK") for event in EVENTS], axis=2)
        alone_BK = (items_BK >= 0) & (sources_BK & ~new == 0)
        parts = [value_BKE.sum(axis=1), (value_BKE * alone_BK[:, :, None]).sum(axis=1)]
        found.append(np.stack(parts, axis=1))
    return np.concatenate(found)


def told(readings: list[dict[str, Reading]]) -> Iterator[str]:
    """What part of the oracle's events each ranker keeps in each shop, and what the ramp adds."""
    yield "| event | items | shop | ranker without | with a ramp | difference | pages, relative |"
    yield "|---|---|---|--:|--:|--:|--:|"
    tables = {shop: joined([each[shop] for each in readings]) for shop in SHOPS}
    for (event, what), (part, items) in product(enumerate(EVENTS), enumerate(PARTS)):
        own = []
        for number, (shop, (unit_B, worth_BRPE)) in enumerate(tables.items()):
            without_B, ramp_B, best_B = worth_BRPE[:, :, part, event].T
            kept = [share(each_B, best_B, unit_B) for each_B in (without_B, ramp_B)]
            more = share(ramp_B - without_B, best_B, unit_B)
            gain = share(ramp_B - without_B, without_B, unit_B)
            own.append(kept[number])
            cells = [f"{value:.1%} ±{half:.1%}" for value, half in kept]
            cells += [f"{value:+.2%} ±{half:.2%}" for value, half in (more, gain)]
            yield f"| {what} | {items} | {shop} | {' | '.join(cells)} |"
        cells = [f"{value:.1%} ±{half:.1%}" for value, half in own]
        half = float(np.hypot(own[0][1], own[1][1]))
        cells.append(f"{own[1][0] - own[0][0]:+.2%} ±{half:.2%}")
        yield f"| {what} | {items} | each its own | {' | '.join(cells)} | |"


def over_seeds(readings: list[dict[str, Reading]]) -> Iterator[str]:
    """The same differences from seed to seed, which hold the luck of what rankers learned from."""
    yield "| event | items | shop | what the ramp's ranker keeps more, over seeds |"
    yield "|---|---|---|--:|"
    reach = float(student.ppf(0.975, len(readings) - 1)) / len(readings) ** 0.5
    for (event, what), (part, items) in product(enumerate(EVENTS), enumerate(PARTS)):
        kept_NWR = np.array(
            [
                [
                    sums_R[:2] / sums_R[2]
                    for shop in SHOPS
                    for sums_R in [each[shop].worth_BRPE[:, :, part, event].sum(axis=0)]
                ]
                for each in readings
            ]
        )
        own_N = kept_NWR[:, 1, 1] - kept_NWR[:, 0, 0]
        more_NW = kept_NWR[:, :, 1] - kept_NWR[:, :, 0]
        for shop, found_N in zip((*SHOPS, "own"), (*more_NW.T, own_N), strict=True):
            half = reach * float(np.std(found_N, ddof=1))
            yield f"| {what} | {items} | {shop} | {found_N.mean():+.2%} ±{half:.2%} |"


def joined(readings: list[Reading]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of shoppers, apart from seed to seed, and what their pages bring."""
    units = [each.shopper_B + number * 10**9 for number, each in enumerate(readings)]
    _, unit_B = np.unique(np.concatenate(units), return_inverse=True)
    return unit_B, np.concatenate([each.worth_BRPE for each in readings])


def share(top_B: np.ndarray, bottom_B: np.ndarray, unit_B: np.ndarray) -> tuple[float, float]:
    """A ratio of sums and the half-width of its interval (linearised, clustered)."""
    top_U, bottom_U = (np.bincount(unit_B, of_B) for of_B in (top_B, bottom_B))
    found, units = top_U.sum() / bottom_U.sum(), len(top_U)
    rest_U = top_U - found * bottom_U
    error = np.sqrt(units / (units - 1) * (rest_U**2).sum()) / bottom_U.sum()
    return float(found), float(1.96 * error)


def main() -> None:
    """Print what each seed tells, and all together."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    readings = []
    for seed in asked.seeds:
        config = load_config(asked.config, ["world.days=2", f"seed={seed}", *asked.set])
        readings.append(read(config, asked.folder / f"seed-{seed}", asked.share))
        print(f"seed {seed}", *told(readings[-1:]), sep="\n", flush=True)
    if len(readings) > 1:
        print("all seeds", *told(readings), *over_seeds(readings), sep="\n", flush=True)


if __name__ == "__main__":
    main()
