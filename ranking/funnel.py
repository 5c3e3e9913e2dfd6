"""One arm's search service: channels, merge, pre-ranker, ranker, page.

A channel that breaks is dropped from the batch, one that is late or turns it away from the request,
and the page is served without it.
"""

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ranking.contract import score_fault
from ranking.ordering import best_first
from ranking.pages import (
    best_ranked,
    blank_pages,
    explored_order,
    gather,
    page_columns,
    propensities,
    trace,
)
from ranking.preranker import Preranker, take
from ranking.rankers.ranker import Prescoring, Ranker
from ranking.recallstage import Recalled, RecallStage
from ranking.settings import FunnelSpec
from recall.candidates import Pool
from recall.channel import Channel, Refreshable
from recall.latency import LatencySpec
from recall.load.queues import Met, Queue
from simulator.calling import blaming, call
from simulator.errors import ConfigError, ContractError
from simulator.protocols import Fault, FaultReason, Index, Pages, Requests
from simulator.randomness import Draws

_ROWS = 512  # pages made at once, so that their candidates fit a cache; a matter of speed alone


@dataclass(frozen=True)
class Answers:
    """What the channels of an arm answered to a batch of requests, and how long each took.

    Any number of pages can be made of them, see `Funnel.pages`.

    Attributes:
        seconds_BC: how long each channel took; 0 for those that were not asked.
        away_BC: which channels turned the request away, for their servers were busy; they found
            nothing and took no time.
    """

    requests: Requests
    recalled: Recalled
    seconds_BC: NDArray[np.float64]
    away_BC: NDArray[np.bool_]

    def rows(self, rows: NDArray[np.intp] | slice) -> "Answers":
        """The answers to some of the requests (an index array or a slice)."""
        few = self.requests.rows(rows), self.recalled.rows(rows)
        return Answers(*few, self.seconds_BC[rows], self.away_BC[rows])


@dataclass
class _Served:
    """What a funnel shares with its twins, and what they have with it when it is changed."""

    ranker: Ranker


class Funnel:
    """A `simulator.protocols.SearchService` for one arm.

    Args:
        name: the arm's name.
        arm: its number, which says whose statistics its models read.
        recall: the arm's channels and their merge.
        ranker: fitted ranker.
        spec: settings.
        latencies: latency model of each channel; a channel without one takes no time.
        draws: the luck of latencies and exploration.
        queues: of channels with servers, what requests meet there.
    """

    def __init__(
        self,
        name: str,
        arm: int,
        recall: RecallStage,
        ranker: Ranker,
        spec: FunnelSpec,
        latencies: Mapping[str, LatencySpec],
        draws: Draws,
        queues: Mapping[str, Queue] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.arm = arm
        self.channels = recall.universe  # bit c of the provenance is channel c
        self.recall = recall
        self._served = _Served(ranker)
        self.preranker = Preranker(spec.preranker, recall.n_items)
        self.spec = spec
        self.latencies = dict(latencies)
        self.queues = {name: queues[name] for name in recall.channels if name in queues}
        self.draws = draws
        self._faults: Counter[tuple[str, FaultReason]] = Counter()
        self._details: dict[tuple[str, FaultReason], str] = {}

    @property
    def ranker(self) -> Ranker:
        """What orders the candidates."""
        return self._served.ranker

    def renew(self, channels: Mapping[str, Channel], ranker: Ranker | None = None) -> None:
        """Serve with other fitted models from the next refresh on, and so do all twins.

        Args:
            channels: those that take the place of the channels of these names.
            ranker: instead of the one that serves; twins with a ranker of their own keep it.

        Raises:
            ConfigError: a channel that the arm does not have.
        """
        self.recall.renew(channels)
        if ranker is not None:
            self._served.ranker = ranker

    def twin(self, ranker: Ranker | None = None) -> "Funnel":
        """The same funnel over the same models, with a count of faults of its own.

        It serves requests beside those of a world, so that the world's log tells of its own.

        Args:
            ranker: instead of the funnel's.
        """
        other = copy.copy(self)
        if ranker is not None:
            other._served = _Served(ranker)
        other._faults, other._details = Counter(), {}
        return other

    def longer(self, slots: int) -> "Funnel":
        """A twin whose pages hold as many results, for who wants more than a shopper sees."""
        other = self.twin()
        other.spec = self.spec.model_copy(update={"slots": slots})
        return other

    def unpaged(self) -> "Funnel":
        """A twin whose pages have room for everything that it ranks, see `whole`."""
        other = self.twin()
        other.spec = self.spec.model_copy(update={"slots": self.spec.keep})
        return other

    def whole(self, requests: Requests) -> Requests:
        """The same requests, each for a first page with as many results as a page may have."""
        rows = len(requests)
        slots_B = np.full(rows, self.spec.slots, np.int16)
        return replace(requests, page_B=np.zeros(rows, np.int16), slots_B=slots_B)

    def refresh(self, index: Index) -> None:
        """Hand the snapshot to whatever reads one."""
        self.recall.refresh(index, self.arm)
        self.preranker.refresh(index, self.arm)
        if isinstance(self.ranker, Refreshable):
            place = f"arms.{self.name}: {self.ranker.name}.refresh()"
            with blaming(place, "read a snapshot"):
                call(place, self.ranker.refresh, index, self.arm)

    def faults(self) -> list[Fault]:
        """Channels dropped so far, one row for each channel and reason."""
        return [
            Fault(self.name, channel, reason, count, self._details[channel, reason])
            for (channel, reason), count in self._faults.items()
        ]

    def serve(self, requests: Requests) -> Pages:
        """One page for each request.

        Raises:
            ConfigError: if a request wants more slots than a page may have.
            ContractError: if the ranker breaks its contract.
        """
        answers = self.ask(requests)
        self.count(answers)
        return self.pages(answers)

    def count(self, answers: Answers) -> None:
        """Add what went wrong in answers that are served to the faults."""
        for drop in answers.recalled.drops:
            self._count(drop.channel, drop.reason, len(answers.requests), drop.detail)
        late_C = (answers.seconds_BC > self.spec.deadline_s).sum(axis=0)
        away_C = answers.away_BC.sum(axis=0)
        for channel, late, away in zip(self.channels, late_C, away_C, strict=True):
            self._count(channel, FaultReason.DEADLINE, int(late), "")
            self._count(channel, FaultReason.BUSY, int(away), "")

    def ask(self, requests: Requests) -> Answers:
        """What every channel of the arm answers.

        Raises:
            ConfigError: if a request wants more slots than a page may have.
        """
        self._check(requests)
        met = {name: queue.meet(requests, self.draws) for name, queue in self.queues.items()}
        steps = {name: each.step_B for name, each in met.items()}
        recalled = self.recall.recall(requests, steps=steps)
        away_BC = np.zeros((len(requests), len(self.channels)), np.bool_)
        for name in met.keys() & recalled.found.keys():
            away_BC[:, self.channels.index(name)] = met[name].away_B
        return Answers(requests, recalled, self._seconds(requests, recalled, met), away_BC)

    def pages(self, answers: Answers, left_out_B: NDArray[np.integer] | None = None) -> Pages:
        """The pages that the answers make.

        Args:
            answers: of `ask`.
            left_out_B: (B,) bitmask of the channels that each request's page is made without, as
                if the arm did not have them: they cost no time either. None: without none.

        Raises:
            ContractError: if the ranker breaks its contract.
        """
        requests, recalled = answers.requests, answers.recalled
        out_BC = np.zeros(answers.seconds_BC.shape, np.bool_)
        if left_out_B is not None:
            out_BC = (left_out_B[:, None] >> np.arange(len(self.channels)) & 1).astype(np.bool_)
        seconds_BC = np.where(out_BC, 0.0, answers.seconds_BC)
        late_BC = seconds_BC > self.spec.deadline_s
        waited_B = np.minimum(seconds_BC, self.spec.deadline_s).max(axis=1, initial=0.0)
        broken_C = np.isin(self.channels, [drop.channel for drop in recalled.drops])
        dropped_BC = late_BC | ((broken_C | answers.away_BC) & ~out_BC)
        parts = []
        for start in range(0, len(requests), _ROWS):
            some = slice(start, min(start + _ROWS, len(requests)))
            pool = self.recall.merge(recalled.rows(some), (late_BC | out_BC)[some])
            pages = self.paged(requests.rows(some), pool, waited_B[some], dropped_BC[some])
            parts.append((np.arange(some.start, some.stop), pages))
        blank = blank_pages(len(requests), self.spec.slots, len(self.channels), self.arm)
        return gather(parts, blank)

    def pool(self, answers: Answers) -> Pool:
        """The candidates that the arm merges for these answers, before any cut."""
        late_BC = answers.seconds_BC > self.spec.deadline_s
        return self.recall.merge(answers.recalled, late_BC)

    def paged(
        self,
        requests: Requests,
        pool: Pool,
        waited_B: NDArray[np.float64],
        dropped_BC: NDArray[np.bool_],
    ) -> Pages:
        """The pages that a pool of candidates makes.

        Args:
            requests: what is asked.
            pool: what the pre-ranker and the ranker choose from.
            waited_B: seconds that recall took.
            dropped_BC: channels that are told as dropped.

        Raises:
            ContractError: if the ranker breaks its contract.
        """
        spec, rows_B1 = self.spec, np.arange(len(requests))[:, None]
        kept_BM = self.cut(requests, pool)
        kept = take(pool, kept_BM)
        scores_BM = self._scores(requests, kept)
        greedy_BM = order_BM = best_first(scores_BM, kept.items_BN)
        ranked_B = (kept.items_BN >= 0).sum(axis=1).astype(np.int32)
        if spec.exploration > 0:
            order_BM = explored_order(
                greedy_BM, kept.items_BN, requests, spec.exploration, self.draws
            )
        shown_BK = page_columns(order_BM, ranked_B, requests, spec.slots)
        best_BK = page_columns(greedy_BM, ranked_B, requests, spec.slots)
        empty_BK = shown_BK < 0
        at_BK = np.where(empty_BK, 0, shown_BK)
        ranking_B = spec.ranking_base_s + spec.ranking_per_item_s * ranked_B
        bits_C = np.left_shift(1, np.arange(len(self.channels)))
        return Pages(
            items_BK=np.where(empty_BK, np.int32(-1), kept.items_BN[rows_B1, at_BK]),
            sources_BK=np.where(empty_BK, np.int32(0), kept.sources_BN[rows_B1, at_BK]),
            best_ranked_BK=np.where(
                empty_BK, np.int32(0), best_ranked(kept.ranks_BNC[rows_B1, at_BK])
            ),
            scores_BK=np.where(empty_BK, np.float32(np.nan), scores_BM[rows_B1, at_BK]),
            propensity_BK=propensities(shown_BK, best_BK, ranked_B, spec.exploration),
            latency_B=(waited_B + ranking_B).astype(np.float32),
            dropped_B=(dropped_BC @ bits_C).astype(np.int32),
            merged_B=(pool.items_BN >= 0).sum(axis=1).astype(np.int32),
            ranked_B=ranked_B,
            arm_B=np.full(len(requests), self.arm, np.int8),
            traces=trace(pool, kept_BM, scores_BM, requests.traced_B),
        )

    def cut(self, requests: Requests, pool: Pool) -> NDArray[np.intp]:
        """(B, M) columns of the candidates that reach the ranker, in the order of the merge.

        Raises:
            ContractError: if the ranker's light scores break their contract.
        """
        return self.preranker.cut(pool, self.spec.keep, self._prescores(requests, pool))

    def _prescores(self, requests: Requests, pool: Pool) -> NDArray[np.float32] | None:
        """The ranker's light scores, where the cut goes by them and has anything to cut.

        Raises:
            ContractError: as of `_scores`.
        """
        ranker, by_facts = self.ranker, self.spec.preranker.type == "facts"
        if not by_facts or pool.items_BN.shape[1] <= self.spec.keep:
            return None
        if not isinstance(ranker, Prescoring):
            return None
        place = f"arms.{self.name}: {ranker.name}.prescore()"
        with blaming(place, "score"):
            scores_BN: NDArray[np.float32] | None = call(place, ranker.prescore, requests, pool)
        fault = None if scores_BN is None else score_fault(scores_BN, pool.items_BN >= 0)
        if fault is not None:
            raise ContractError(f"{place} == {fault[0]}, {fault[1]}")
        return scores_BN

    def _scores(self, requests: Requests, kept: Pool) -> NDArray[np.float32]:
        """What the ranker says, if it is what a ranker may say.

        Raises:
            ContractError: it raised, or its scores cannot order the candidates.
        """
        place = f"arms.{self.name}: {self.ranker.name}.score()"
        with blaming(place, "score"):
            scores_BM = call(place, self.ranker.score, requests, kept)
        fault = score_fault(scores_BM, kept.items_BN >= 0)
        if fault is not None:
            found, wanted = fault
            raise ContractError(f"{place} == {found}, {wanted}")
        return scores_BM

    def _seconds(
        self, requests: Requests, recalled: Recalled, met: Mapping[str, Met]
    ) -> NDArray[np.float64]:
        """(B, C) service time of each channel; 0 for channels that were not asked.

        It is endless where a channel itself says that it was late.
        """
        seconds_BC = np.zeros((len(requests), len(self.channels)))
        for name, found in recalled.found.items():
            c = self.channels.index(name)
            if name in self.latencies:
                normal_B = self.draws.normal(f"latency:{name}", request=requests.id_B)
                if name in met:
                    seconds_BC[:, c] = self.queues[name].seconds(met[name], normal_B)
                else:
                    limit = self.recall.limits[name]
                    seconds_BC[:, c] = self.latencies[name].seconds(normal_B, limit)
            if found.late_B is not None:
                asked_B = ~met[name].away_B if name in met else True
                seconds_BC[found.late_B & asked_B, c] = np.inf
        return seconds_BC

    def _count(self, channel: str, reason: FaultReason, requests: int, detail: str) -> None:
        if requests:
            self._faults[channel, reason] += requests
            self._details.setdefault((channel, reason), detail)

    def _check(self, requests: Requests) -> None:
        most = int(requests.slots_B.max(initial=0))
        if most > self.spec.slots:
            raise ConfigError(
                f"requests.slots == {most}, must be <= {self.spec.slots} (funnel.slots)"
            )

    def __repr__(self) -> str:
        """The funnel, drawn."""
        spec = self.spec
        asked = [f"{name} {limit}" for name, limit in self.recall.limits.items()]
        width = max(map(len, asked))
        marks = ["─"] if len(asked) == 1 else ["┐", *"┤" * (len(asked) - 2), "┘"]
        merged = f"merge {self.recall.spec.limit} ─ prerank {spec.keep} ─ rank {self.ranker.name}"
        page = f"page {spec.slots}" + (f", explore {spec.exploration:g}" * bool(spec.exploration))
        middle = (len(asked) - 1) // 2
        lines = [f"Funnel {self.name} (deadline {1000 * spec.deadline_s:g} ms)"]
        for place, (name, mark) in enumerate(zip(asked, marks, strict=True)):
            joint = {"┐": "┬", "┤": "┼", "┘": "┴"}.get(mark, mark)
            tail = f"{joint}─ {merged} ─ {page}" if place == middle else mark
            lines.append(f"  {name:<{width}} ─{tail}")
        return "\n".join(lines)
