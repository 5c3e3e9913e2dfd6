"""What a writer is asked and what it should answer.

Axis suffixes: P lessons, B questions, W subwords.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from cqsid.generator.prefix import Prefix
from cqsid.generator.prompts import Prompts, packed, rectangle
from cqsid.generator.subwords import Subwords
from cqsid.systems.writer.settings import WriterSpec
from cqsid.systems.writer.textcodes import TextVocabulary
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints

Rows = NDArray[np.int64]
NOTHING: Final = -1
"""Row of no text."""


@dataclass(frozen=True)
class Prefixed:
    """What the soft prefixes of N questions are made of.

    Attributes:
        facts_NMF: float32, what each of up to M vectors is made of; what is behind them is not
            read.
        count_N: vectors of each question, 0 to M.
        maker: makes vectors of the writer's width of facts, (B, M, F) to (B, M, D); it learns with
            the writer, in place. None: the facts are the vectors.
    """

    facts_NMF: NDArray[np.float32]
    count_N: Ints
    maker: nn.Module | None = None

    def __len__(self) -> int:
        return len(self.count_N)

    def rows(self, rows: Rows | slice) -> Prefix:
        """The vectors of some questions; gradients flow to their maker."""
        count_B = self.count_N[rows]
        told_BM1 = (np.arange(self.facts_NMF.shape[1]) < count_B[:, None])[..., None]
        facts_BMF = torch.from_numpy(np.where(told_BM1, self.facts_NMF[rows], np.float32(0)))
        if self.maker is None:
            return Prefix(facts_BMF, count_B)
        device = next((each.device for each in self.maker.parameters()), facts_BMF.device)
        return Prefix(self.maker(facts_BMF.to(device)), count_B)


@dataclass(frozen=True)
class Lessons:
    """Questions with their answers.

    Attributes:
        texts: what the columns point into.
        question_P: what is asked.
        about_P: the text that it is asked about; -1: none.
        answer_P: what should be written.
        weight_P: how often each is learned from, relative to the others; positive.
        prefixed: vectors before each question; None: there are none.
    """

    texts: tuple[str, ...]
    question_P: Ints
    about_P: Ints
    answer_P: Ints
    weight_P: NDArray[np.float64]
    prefixed: "Prefixed | None" = None

    def __len__(self) -> int:
        return len(self.answer_P)


@dataclass(frozen=True)
class Asked:
    """Prompts of questions, put together when asked for.

    Attributes:
        vocabulary: the tokens.
        spec: how much of each is told.
        mark_N: of the task of each question.
        texts: subwords of all texts.
        question_N, about_N: rows among them; -1 for no text.
        prefixed: soft prefixes of the questions of a task, by its mark.
        row_N: which of its task's questions each is; read where the task has prefixes.
    """

    vocabulary: TextVocabulary
    spec: WriterSpec
    mark_N: Ints
    texts: Ragged
    question_N: Ints
    about_N: Ints
    prefixed: Mapping[int, Prefixed]
    row_N: Rows

    @staticmethod
    def of(
        vocabulary: TextVocabulary,
        subwords: Subwords,
        spec: WriterSpec,
        task: str,
        questions: Sequence[str],
        about: Sequence[str] | None = None,
        prefixed: Prefixed | None = None,
    ) -> "Asked":
        """Questions of one task.

        Raises:
            ConfigError: no such task.
        """
        number, told = len(questions), list(questions) + list(about or ())
        mark = vocabulary.task(task)
        second = np.arange(number, 2 * number) if about is not None else np.full(number, NOTHING)
        return Asked(
            vocabulary,
            spec,
            np.full(number, mark, np.int32),
            subwords.encode(told, max(spec.question_subwords, spec.about_subwords)),
            np.arange(number, dtype=np.int32),
            second.astype(np.int32),
            {} if prefixed is None else {mark: prefixed},
            np.arange(number),
        )

    def __len__(self) -> int:
        return len(self.mark_N)

    @property
    def size_N(self) -> Rows:
        """(N,) subwords and vectors of each prompt, at most."""
        lengths = np.append(self.texts.lengths, 0)
        size_N = np.asarray(lengths[self.question_N] + lengths[self.about_N], np.int64)
        for mark, each in self.prefixed.items():
            at = np.flatnonzero(self.mark_N == mark)
            size_N[at] += each.count_N[self.row_N[at]]
        return size_N

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts: the task, the question, what it is about, and the answer mark.

        A soft prefix stands before all of that.
        """
        number, marks, prefix = len(rows), self.vocabulary, self._prefix(rows)
        parts = [
            self.mark_N[rows][:, None],
            self._told(self.question_N[rows], self.spec.question_subwords),
            np.where(self.about_N[rows] >= 0, marks.item, NOTHING)[:, None],
            self._told(self.about_N[rows], self.spec.about_subwords),
            np.full((number, 1), marks.answer),
        ]
        if prefix is not None:
            parts.insert(0, prefix.placeholders(marks.pad))
        wide_BT = np.concatenate([part.astype(np.int32) for part in parts], axis=1)
        return Prompts(*packed(wide_BT, marks.pad), prefix)

    def _prefix(self, rows: Rows) -> Prefix | None:
        """The soft prefixes of some questions; None where their tasks have none."""
        most = max((each.facts_NMF.shape[1] for each in self.prefixed.values()), default=0)
        count_B, vectors_BMD = np.zeros(len(rows), np.int32), None
        for mark, each in self.prefixed.items():
            at = np.flatnonzero(self.mark_N[rows] == mark)
            if len(at):
                made = each.rows(self.row_N[rows[at]])
                own = F.pad(made.vectors_BMD, (0, 0, 0, most - made.most))
                if vectors_BMD is None:
                    vectors_BMD = own.new_zeros((len(rows), *own.shape[1:]))
                vectors_BMD = vectors_BMD.index_put((torch.from_numpy(at),), own)
                count_B[at] = made.count_B
        return None if vectors_BMD is None else Prefix(vectors_BMD, count_B)

    def _told(self, text_B: Ints, width: int) -> Ints:
        """(B, W) subwords of texts, holes behind their ends and in rows without one."""
        if not len(self.texts):
            return np.full((len(text_B), width), NOTHING, np.int32)
        told_BW = rectangle(self.texts.take(np.maximum(text_B, 0)), width)
        return np.where(text_B[:, None] >= 0, told_BW, np.int32(NOTHING))
