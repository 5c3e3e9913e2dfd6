"""The rung of favouritism: no channel may know what only the simulator knows.

Every channel of a run answers requests of its experiment anew, apart from any funnel, with all
items on sale. What it finds is held against what is relevant by several truths, beside as many
items drawn at random. With the latent truth given to other items, nothing that is public tells of
it any more: a channel that still finds more than chance reads it behind the wall.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import ChannelRecall, Check, Truth, Verdict
from experiments.running.apart.grades import DEPTH, asked
from experiments.running.models import POPULATION, load_saved
from experiments.validate.evidence import Evidence, PeriodLog
from experiments.validate.favouritism.chance import Excess, Recalled, excess
from experiments.validate.favouritism.graded import by_grades
from experiments.validate.favouritism.placing import Answer, by_place, placed
from experiments.validate.favouritism.questions import Questions, questions_of
from experiments.validate.favouritism.truths import (
    matching,
    permuted,
    without_tastes,
    worth_most,
)
from experiments.validate.verdicts import one_family
from ranking.examples import history_index
from recall.candidates import Candidates
from simulator.living.world import Population
from simulator.log.history import load_history
from simulator.protocols import Index, Requests

ROUNDS = 4
"""Permutations under which channels are asked."""
DRAWS = 500
"""Further permutations of each round, which tell the law of chance."""
_MOST = 20_000_000  # pairs of requests and items that are weighed by each truth

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Audit:
    """What came of asking the channels: a check and rows of `validity.json`."""

    checks: tuple[Check, ...] = ()
    recalls: tuple[ChannelRecall, ...] = ()


def audit(evidence: Evidence, requests: int) -> Audit:
    """Ask the channels of a run; nothing where it has none, or none is to be asked.

    Args:
        evidence: of the run.
        requests: that every channel answers, at most; fewer in catalogues of more than 20,000,000
            over that many items.

    Raises:
        ContractError: a channel breaks at its work.
    """
    log = evidence.experiment
    if log is None or not evidence.channels or not requests:
        return Audit()
    return _Asking(evidence, log).audit(requests)


class _Asking:
    """The channels of one run, asked again and again."""

    def __init__(self, evidence: Evidence, log: PeriodLog) -> None:
        self.evidence, self.log = evidence, log
        self.spec = evidence.config.world.behavior
        supply = self._population().supply
        self.items = len(supply.catalog)
        past = load_history(evidence.history.folder)
        self.index: Index = history_index(supply.catalog, past)

    def audit(self, requests: int) -> Audit:
        """Everything, in the order of the page."""
        most = min(requests, max(1, _MOST // self.items))
        population = self._population()
        questions = questions_of(self.evidence, self.log, most)
        relevant_BI = matching(population, self.spec, questions.needs)
        some_B = np.asarray(relevant_BI.any(axis=1))
        questions, relevant_BI = questions.rows(some_B), relevant_BI[some_B]
        recalls: list[ChannelRecall] = []
        checks: tuple[Check, ...] = ()
        if len(questions) > 1:
            found = self._asked(questions.requests)
            recalls += self._by_truths(population, questions, relevant_BI, found)
            del population  # while channels are asked again, no other truth is in memory
            hidden, checks = self._permuted(questions, relevant_BI)
            recalls += hidden
        recalls += self._graded()
        return Audit(checks, tuple(recalls))

    def _population(self) -> Population:
        found: Population = load_saved(self.evidence.catalogue / POPULATION)
        return found

    def _asked(self, requests: Requests, limit: int | None = None) -> dict[str, Candidates]:
        """What every channel finds, opened anew."""
        config = self.evidence.config
        return {
            name: asked(
                *(config, name, folder, self.index, requests),
                limit or config.channels[name].limit,
            )
            for name, folder in self.evidence.channels.items()
        }

    def _by_truths(
        self,
        population: Population,
        questions: Questions,
        relevant_BI: Flags,
        found: Mapping[str, Candidates],
    ) -> Iterable[ChannelRecall]:
        """The order of the channels by the truth as it is, and without tastes."""
        needs, items, category_I = questions.needs, self.items, population.supply.truth.category_I
        other_I = np.random.default_rng(0).permutation(items)
        truths: dict[Truth, Flags] = {
            "match": relevant_BI,
            "worth": worth_most(population, self.spec, needs, self.index),
            "worth_without_tastes": worth_most(
                without_tastes(population, other_I), self.spec, needs, self.index
            ),
        }
        for truth, truth_BI in truths.items():
            answers = []
            for name, of in found.items():
                recalled = Recalled(of.items_BN, truth_BI)
                within_B = recalled.random_within(category_I) if truth == "match" else None
                answers.append(Answer(name, recalled.recall_B, recalled.random_B, within_B))
            yield from placed(
                *(truth, "recall", answers),
                unit_B=questions.requests.shopper_B,
                confidence=self.evidence.confidence,
            )

    def _permuted(
        self, questions: Questions, relevant_BI: Flags
    ) -> tuple[list[ChannelRecall], tuple[Check, ...]]:
        """What channels find when the latent truth is that of other items."""
        names = list(self.evidence.channels)
        own_RC, chance_RC = np.zeros((2, ROUNDS, len(names)))
        other_RKC = np.zeros((ROUNDS, DRAWS, len(names)))
        for number in range(ROUNDS):
            luck = np.random.default_rng([1, number])
            hidden = permuted(self._population(), luck.permutation(self.items))
            hidden_BI = matching(hidden, self.spec, questions.needs)
            found = self._asked(questions.requests)
            others = [luck.permutation(self.items) for _ in range(DRAWS)]
            for at, name in enumerate(names):
                recalled = Recalled(found[name].items_BN, hidden_BI)
                own_RC[number, at] = recalled.recall_B.mean()
                chance_RC[number, at] = recalled.random_B.mean()
                other_RKC[number, :, at] = recalled.under(others)
        confidence = self.evidence.confidence
        told = [
            excess(own_RC[:, at], chance_RC[:, at], other_RKC[..., at], confidence=confidence)
            for at in range(len(names))
        ]
        checks = [self._check(*each, len(questions)) for each in zip(names, told, strict=True)]
        chances = chance_RC.mean(axis=0)
        rows = [
            _hidden_row(name, of, float(chance), len(questions))
            for name, of, chance in zip(names, told, chances, strict=True)
        ]
        return by_place(rows), one_family(checks)

    def _check(self, channel: str, told: Excess, n: int) -> Check:
        return Check(
            rung="favouritism",
            period="experiment",
            fact=f"recall_of_{channel}_with_the_truth_permuted",
            unit="test",
            found=told.found,
            source="design",
            verdict=Verdict.UNTOLD,
            p_value=told.p_value,
            n=n,
            note=f"over chance; {ROUNDS} permutations, and {DRAWS} further ones of each",
        )

    def _graded(self) -> tuple[ChannelRecall, ...]:
        """The order of the channels by human grades alone; nothing without any."""
        judgments = self._population().intents.judgments
        if not len(judgments.queries) or not (judgments.grade_J >= 1).any():
            return ()
        found = self._asked(Requests.of_texts(judgments.queries), DEPTH)
        return by_grades(found, judgments, self.items, self.evidence.confidence)


def _hidden_row(channel: str, told: Excess, chance: float, n: int) -> ChannelRecall:
    return ChannelRecall(
        truth="permuted",
        measure="recall",
        channel=channel,
        place=0,
        found=Interval(*(chance + (each or 0.0) for each in told.found.numbers)),
        random=chance,
        random_in_category=None,
        over_next=UNKNOWN,
        judged_at_10=None,
        n=n,
    )
