"""A judge that writes: after TaoSR1 (arXiv 2508.12365), TaoSR-AGRL and TaoSR-SHE.

A small language model reads a text and the words of an item, and writes a chain of verdicts and a
grade. It learns from annotated chains, and then, if settings say so, from rewards. At service it
sees no verdict: it writes them itself.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.model import backbone_subwords, build_model
from cqsid.generator.prompts import PromptBuilder
from cqsid.generator.settings import PromptSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.systems.chain.chainreader import ChainReader
from cqsid.systems.chain.chains import Chains
from cqsid.systems.chain.madepairs import made_pairs
from cqsid.systems.chain.prompts import Pairs
from cqsid.systems.chain.settings import ChainJudgeSpec
from cqsid.systems.chain.training import Aligned, Lessons, rewarded, supervised
from cqsid.systems.chain.verifier import share_of_texts, verified
from recall.device import one_thread
from recall.judge import GRADES, Floats, expected_grade
from recall.texts.words import item_texts
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import DataError
from simulator.log.history import History
from simulator.protocols import Requests


@dataclass(frozen=True)
class School:
    """What a judge learns from.

    Attributes:
        made: pairs made of the catalogue.
        lessons, held: annotated pairs, and those of other texts that only validate.
        annotated: the pairs of `lessons`.
        catalog: the items.
        seed: of first weights, orders and samples.
    """

    made: Lessons
    lessons: Lessons
    held: Lessons
    annotated: Annotations
    catalog: Catalog
    seed: int

    def rewarding(self, spec: ChainJudgeSpec) -> Lessons:
        """The pairs whose chains are rewarded, with those that count as right."""
        verifier = spec.aligning.verifier
        if verifier == "annotations":
            return self.lessons
        rng = np.random.default_rng([self.seed, 4])
        told = self.annotated, self.catalog, Chains(spec.order)
        return verified(self.lessons, *told, random=verifier == "random", rng=rng)


_HELD_OUT = 10  # one of so many texts validates and is not learned from


class LanguageJudge:
    """Grades by writing a grade; see the module. `ChainJudge` can say why, too.

    Attributes:
        weights: of the language model; None before `fit`, and where nothing was annotated.
        losses: of the supervised stage on pairs that it did not learn from.
        aligned: the course of learning from rewards; None without.
    """

    def __init__(self, name: str, spec: ChainJudgeSpec) -> None:
        self.name, self.spec = name, spec
        self.chains = Chains(spec.order, spec.verdicts)
        self.weights: Weights | None = None
        self.losses: tuple[float, ...] = ()
        self.aligned: Aligned | None = None

    def fit(
        self,
        catalog: Catalog,
        history: History,
        annotations: Annotations,
        *,
        rng: np.random.Generator,
    ) -> None:
        """Learn from annotated pairs; without any, every grade is as likely.

        Raises:
            DataError: grades without verdicts, where verdicts are learned.
            ConfigError: a backbone that is none, or a learning rate that is too high.
        """
        annotations.check(len(catalog))
        self.__dict__.pop("reader", None)
        self.weights, self.losses, self.aligned = None, (), None
        if len(annotations):
            school = self.prepare(catalog, annotations, rng)
            self.supervise(school)
            self.align(school)

    def prepare(
        self, catalog: Catalog, annotations: Annotations, rng: np.random.Generator
    ) -> School:
        """What it will learn from; the words of items and the prompts are kept.

        Raises:
            DataError: grades without verdicts, where verdicts are learned.
            ConfigError: a backbone that is none.
        """
        if self.spec.verdicts and not annotations.explained:
            raise DataError("annotations == grades without verdicts, must have all three of each")
        seed, words = int(rng.integers(2**31)), item_texts(catalog, brand=True, category=True)
        made = made_pairs(catalog, self.spec.made_pairs, rng)
        if self.spec.permuted:  # a null twin learns nothing from these, either
            made = made.shuffled(rng)
        asked = [annotations.texts[text] for text in np.unique(annotations.text_J).tolist()]
        self._builder = self._prompts((*words, *made.texts, *asked))
        self._items = self._builder.title_tokens(words)
        held_J = share_of_texts(annotations, _HELD_OUT, rng)
        kept, held = (np.flatnonzero(held_J == each) for each in (False, True))
        return School(
            self._lesson(made, np.arange(len(made))),
            self._lesson(annotations, kept),
            self._lesson(annotations, held),
            annotations.rows(kept),
            catalog,
            seed,
        )

    def supervise(self, school: School) -> None:
        """Learn from pairs made, then from annotations."""
        model = build_model(self.spec.model, self._builder.vocabulary, seed=school.seed)
        lessons = school.made, school.lessons, school.held
        with one_thread():
            self.losses = supervised(
                *(self.spec, self.chains, model, self._builder.vocabulary, *lessons),
                seed=school.seed,
            )
        self.weights = Weights.of(model).detached()

    def align(self, school: School) -> None:
        """Learn from rewards, where settings say so; `supervise` comes first."""
        if self.spec.alignment == "sft" or self.weights is None:
            return
        with one_thread():
            self.weights, self.aligned = rewarded(
                *(self.spec, self.chains, self.weights, self._builder.vocabulary),
                school.rewarding(self.spec),
                seed=school.seed,
            )

    def _prompts(self, texts: tuple[str, ...]) -> PromptBuilder:
        spec = self.spec
        subwords = backbone_subwords(spec.model) or Subwords.train(texts, spec.subwords)
        told = PromptSpec(
            title_subwords=spec.item_subwords, query_subwords=spec.text_subwords, clicks=0
        )
        return PromptBuilder(Vocabulary(len(subwords), self.chains.sizes), subwords, told)

    def _lesson(self, annotations: Annotations, rows: NDArray[np.int64]) -> Lessons:
        texts = self._builder.query_tokens(annotations.texts)
        columns = annotations.text_J[rows], annotations.item_J[rows]
        pairs = Pairs(self._builder, texts, self._items, *columns)
        return Lessons(pairs, self.chains.codes(annotations)[rows])

    def grades(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N, 4) probability of each grade; zeros on padding."""
        held_BN = items_BN >= 0
        grades_BNG = np.zeros((*items_BN.shape, GRADES), np.float32)
        if self.weights is None:
            grades_BNG[held_BN] = 1 / GRADES
            return grades_BNG
        pairs, at_P = self.asked(requests, items_BN, held_BN)
        grades_BNG[held_BN] = self.reader.grades(pairs)[at_P]
        return grades_BNG

    def pair_scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) expected grade / 3, 0 on padding."""
        return expected_grade(self.grades(requests, items_BN))

    def asked(
        self, requests: Requests, items_BN: Ints, held_BN: NDArray[np.bool_]
    ) -> tuple[Pairs, NDArray[np.int64]]:
        """The distinct pairs as prompts, and which of them each held place is."""
        asked_U, row_B = np.unique(requests.text_B, return_inverse=True)
        texts = self._builder.query_tokens([requests.texts[at] for at in asked_U.tolist()])
        row_P = np.broadcast_to(row_B[:, None], items_BN.shape)[held_BN]
        keys, at_P = np.unique(
            row_P * np.int64(len(self._items)) + items_BN[held_BN], return_inverse=True
        )
        row_N, item_N = (each.astype(np.int32) for each in np.divmod(keys, len(self._items)))
        return Pairs(self._builder, texts, self._items, row_N, item_N), at_P

    @cached_property
    def reader(self) -> ChainReader:
        """The model, laid out to grade."""
        assert self.weights is not None, "fit first"
        return ChainReader(self.weights, self._builder.vocabulary, self.chains)

    def __getstate__(self) -> dict[str, Any]:
        return {name: each for name, each in vars(self).items() if name != "reader"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
