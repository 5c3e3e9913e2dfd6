"""What rankers and cuts are worth by expectation, beside the best order that the truth knows.

    python -m tests.benchmarks.rankers demo --folder runs/rankers
    python -m tests.benchmarks.rankers demo --folder runs/rankers-small --set shoppers.count=6000

Lives the days after a config's history with its last arm's channels and pages in merge order, and
fills a sample of first pages anew: with each ranker behind each cut, and by the latent truth. What
a page brings is `simulator.behaviour.expectation.expected`, so there is no luck but that of which
requests were sampled; intervals are of 95 %, clustered by shopper, relative to the merge order.
"""

import argparse
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from scipy.special import log_expit

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.records.files import read_json
from experiments.running.models import MODEL, REPORT, Trained, load_saved
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import open_world
from experiments.stages.progress import NoProgress
from ranking.ordering import best_first
from ranking.pages import blank_pages
from ranking.preranker import Preranker, take
from ranking.rankers.ranker import MergeOrderRanker
from recall.candidates import Pool
from simulator.behaviour.behavior import Behavior
from simulator.behaviour.expectation import expected
from simulator.protocols import Index, Requests
from simulator.shoppers.needs import Needs

REFITS = 3
QUOTAS = (10, 20, 30)
PRICE_POWERS = (0.5, 1.0)
EVENTS = ("clicks", "orders", "gmv")
LATENCY = np.float32(0.03)


@dataclass(frozen=True)
class Block:
    """Sampled requests of one refresh: what was asked, by whom, and what the channels found."""

    index: Index
    requests: Requests
    needs: Needs
    pool: Pool


@dataclass
class Study:
    """Sampled blocks, what reacts to their pages, and rankers by name and refit."""

    config: Config
    behavior: Behavior
    blocks: list[Block]
    rankers: dict[str, list[Any]]
    reports: dict[str, dict[str, Any]]

    @property
    def shopper_B(self) -> np.ndarray:
        return np.concatenate([block.requests.shopper_B for block in self.blocks])

    def worth(self, order: Callable[[Block], tuple[Pool, np.ndarray]]) -> np.ndarray:
        """(B, E) what each request's page is expected to bring, of a pool and its scores."""
        rows = []
        for block in self.blocks:
            self.behavior.utility.refresh(block.index)
            pool, scores_BN = order(block)
            rows.append(self._response(block, pool, best_first(scores_BN, pool.items_BN)))
        return np.concatenate(rows)

    def _response(self, block: Block, pool: Pool, order_BN: np.ndarray) -> np.ndarray:
        slots = self.config.funnel.slots
        items_BK = np.full((len(order_BN), slots), -1, np.int32)
        best_BK = np.take_along_axis(pool.items_BN, order_BN[:, :slots], axis=1)
        items_BK[:, : best_BK.shape[1]] = best_BK
        items_BK[np.arange(slots) >= block.requests.slots_B[:, None]] = -1
        blank = blank_pages(len(items_BK), slots, pool.ranks_BNC.shape[2], 0)
        latency_B = np.full(len(items_BK), LATENCY)
        pages = replace(blank, items_BK=items_BK, latency_B=latency_B)
        found = expected(self.behavior, block.needs, pages, block.index.price_I)
        return np.stack([getattr(found, f"{e}_BK").sum(axis=1) for e in EVENTS], axis=1)

    def oracle(self, block: Block, pool: Pool) -> np.ndarray:
        """(B, N) the latent log chance that an item is clicked at the top and bought."""
        held_BN = pool.items_BN >= 0
        shown_BN, true_BN = self.behavior.utility.of(block.needs, pool.items_BN)
        value_BN = log_expit(shown_BN - self.behavior.spec.click_cost)
        value_BN = value_BN + log_expit(true_BN - self.behavior.spec.outside)
        return np.where(held_BN, value_BN, -np.inf).astype(np.float32)

    def change(self, worth_BE: np.ndarray, base_BE: np.ndarray) -> list[tuple[float, float]]:
        """Relative change and half-width by event."""
        shoppers, unit_B = np.unique(self.shopper_B, return_inverse=True)
        found = []
        for e in range(len(EVENTS)):
            one_U, base_U = (np.bincount(unit_B, of_BE[:, e]) for of_BE in (worth_BE, base_BE))
            ratio = one_U.sum() / base_U.sum()
            rest_U = one_U - ratio * base_U
            units = len(shoppers)
            error = np.sqrt(units / (units - 1) * (rest_U**2).sum()) / base_U.sum()
            found.append((ratio - 1, 1.96 * error))
        return found


def make_study(config: Config, folder: Path, share: float, refits: int = REFITS) -> Study:
    """Train what is to be judged, and live the days whose requests are sampled."""
    spec = config.ranker
    rankers: dict[str, list[Any]] = {}
    reports: dict[str, dict[str, Any]] = {}
    with open_run(config, folder, NoProgress(), overwrite=True) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        for kind in ("learned", "boosted"):
            with_kind = config.model_copy(update={"ranker": spec.model_copy(update={"type": kind})})
            fits = Pipeline(with_kind, maker).models.refits(catalogue, history, late, early, refits)
            rankers[kind] = [load_saved(stages[0].path / MODEL, config) for stages in fits]
            reports[kind] = dict(read_json(fits[0][0].path / REPORT))
        merged = config.model_copy(
            update={"ranker": spec.model_copy(update={"type": "merge_order"})}
        )
        pipeline = Pipeline(merged, maker)
        stages = pipeline.models.rankers(catalogue, history, late, early)
        arm = len(config.arms) - 1
        trained = Trained(catalogue, history, late, stages)
        job = pipeline.one_arm("sampled", "sampled", arm, trained)
        with job.stage.write() as place:
            behavior, blocks = sampled(open_world(job, place / "log"), share)
    return Study(config, behavior, blocks, rankers, reports)


def sampled(opened: Any, share: float) -> tuple[Behavior, list[Block]]:
    """The world's behaviour, and a share of its first pages."""
    funnel, blocks, latest = opened.service, [], []
    refresh, rng = funnel.refresh, np.random.default_rng(1)

    def refreshed(index: Index) -> None:
        latest[:] = [index]
        refresh(index)

    def watch(requests: Requests, needs: Needs, pages: Any, reactions: Any) -> None:
        chosen = (requests.page_B == 0) & (rng.random(len(requests)) < share)
        rows = np.flatnonzero(chosen)
        if len(rows):
            some = requests.rows(rows)
            blocks.append(Block(latest[0], some, needs.rows(rows), funnel.recall.pool(some)))

    funnel.refresh = refreshed
    opened.world.watch(watch)
    opened.run(lambda requests: None)
    return opened.world.behavior, blocks


class Cuts:
    """Cuts of a pool to `funnel.keep`, by name."""

    def __init__(self, study: Study) -> None:
        self.keep = study.config.funnel.keep
        items = len(study.behavior.utility.truth.category_I)
        self.votes = Preranker(study.config.funnel.preranker, items)
        self.names = ("votes", *(f"quota {q}" for q in QUOTAS), "facts", "none")

    def __call__(self, name: str, block: Block, ranker: Any) -> Pool:
        pool = block.pool
        if name == "none":
            return pool
        self.votes.refresh(block.index, 0)
        scores_BN = None
        if name == "facts":
            scores_BN = ranker.prescore(block.requests, pool)
        elif name.startswith("quota"):
            within_BNC = (pool.ranks_BNC >= 0) & (pool.ranks_BNC < int(name.split()[1]))
            always_BN = within_BNC.any(axis=2)
            scores_BN = self.votes.score(pool) + np.where(always_BN, np.float32(1e3), 0)
        return take(pool, self.votes.cut(pool, self.keep, scores_BN))


def judged(study: Study) -> Iterator[str]:
    """The tables, line by line."""
    plain = MergeOrderRanker()
    base_BE = study.worth(lambda b: (b.pool, plain.score(b.requests, b.pool)))
    best_BE = study.worth(lambda b: (b.pool, study.oracle(b, b.pool)))
    cuts = Cuts(study)

    def served(ranker: Any, name: str) -> np.ndarray:
        def order(block: Block) -> tuple[Pool, np.ndarray]:
            ranker.refresh(block.index, 0)
            pool = cuts(name, block, ranker)
            return pool, ranker.score(block.requests, pool)

        return study.worth(order)

    def closed(worth_BE: np.ndarray) -> float:
        """Share of what the oracle adds in orders."""
        gap_BE, gained_BE = best_BE - base_BE, worth_BE - base_BE
        return float(gained_BE[:, 1].sum() / gap_BE[:, 1].sum())

    yield f"{len(base_BE)} first pages of {len(np.unique(study.shopper_B))} shoppers"
    yield "| ranker | clicks | orders | GMV | headroom of orders closed | NDCG | as shown |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for kind, fits in study.rankers.items():
        report = study.reports[kind]
        for refit, ranker in enumerate(fits):
            worth_BE = served(ranker, "facts")
            told = f"{report['ndcg']:.3f} | {report['shown_ndcg']:.3f}" if not refit else "|"
            row, share = cells(study.change(worth_BE, base_BE)), closed(worth_BE)
            yield f"| {kind}, refit {refit} | {row} | {share:.0%} | {told} |"
    for power in PRICE_POWERS:
        ranker = copy(study.rankers["boosted"][0])
        ranker.spec = ranker.spec.model_copy(update={"price_power": power})
        worth_BE = served(ranker, "facts")
        row, share = cells(study.change(worth_BE, base_BE)), closed(worth_BE)
        yield f"| boosted, price_power {power:g} | {row} | {share:.0%} | | |"
    yield f"| oracle | {cells(study.change(best_BE, base_BE))} | 100% | | |"
    yield from cut_table(study, cuts, served, best_BE)


def cut_table(study: Study, cuts: Cuts, served: Any, best_BE: np.ndarray) -> Iterator[str]:
    """What each cut keeps, what the boosted ranker makes of it, and what it costs."""
    ranker = study.rankers["boosted"][0]
    votes_BE = served(ranker, "votes")
    yield ""
    yield "| cut | headroom of orders kept | alone passes | orders | us a request |"
    yield "|---|--:|--:|--:|--:|"
    for name in cuts.names:
        alone, spent, requests = np.zeros(2), 0.0, 0

        def kept(block: Block, name: str = name) -> tuple[Pool, np.ndarray]:
            nonlocal spent, requests, alone
            ranker.refresh(block.index, 0)
            begun = process_time()
            pool = cuts(name, block, ranker)
            spent += process_time() - begun
            requests += len(block.requests)
            alone += np.array([single(pool), single(block.pool)])
            return pool, study.oracle(block, pool)

        change, half = study.change(study.worth(kept), best_BE)[1]
        effect = cells(study.change(served(ranker, name), votes_BE)[1:2])
        share, cost = alone[0] / alone[1], 1e6 * spent / requests
        yield (f"| {name} | {1 + change:.1%} ±{half:.1%} | {share:.0%} | {effect} | {cost:.0f} |")


def single(pool: Pool) -> int:
    """How many candidates one channel alone found."""
    return int(((pool.ranks_BNC >= 0).sum(axis=2) == 1).sum())


def cells(changes: list[tuple[float, float]]) -> str:
    """Cells of a table."""
    return " | ".join(f"{change:+.1%} ±{half:.1%}" for change, half in changes)


def main() -> None:
    """Print the tables of a config."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    config = load_config(asked.config, ["world.days=2", *asked.set])
    for line in judged(make_study(config, asked.folder, asked.share)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
