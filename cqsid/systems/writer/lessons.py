"""What a writer is asked and what it should answer.

Axis suffixes: P lessons, B questions, W subwords.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
class Lessons:
    """Questions with their answers.

    Attributes:
        texts: what the columns point into.
        question_P: what is asked.
        about_P: the text that it is asked about; -1: none.
        answer_P: what should be written.
        weight_P: how often each is learned from, relative to the others; positive.
    """

    texts: tuple[str, ...]
    question_P: Ints
    about_P: Ints
    answer_P: Ints
    weight_P: NDArray[np.float64]

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
    """

    vocabulary: TextVocabulary
    spec: WriterSpec
    mark_N: Ints
    texts: Ragged
    question_N: Ints
    about_N: Ints

    @staticmethod
    def of(
        vocabulary: TextVocabulary,
        subwords: Subwords,
        spec: WriterSpec,
        task: str,
        questions: Sequence[str],
        about: Sequence[str] | None = None,
    ) -> "Asked":
        """Questions of one task.

        Raises:
            ConfigError: no such task.
        """
        number, told = len(questions), list(questions) + list(about or ())
        second = np.arange(number, 2 * number) if about is not None else np.full(number, NOTHING)
        return Asked(
            vocabulary,
            spec,
            np.full(number, vocabulary.task(task), np.int32),
            subwords.encode(told, max(spec.question_subwords, spec.about_subwords)),
            np.arange(number, dtype=np.int32),
            second.astype(np.int32),
        )

    def __len__(self) -> int:
        return len(self.mark_N)

    @property
    def size_N(self) -> Rows:
        """(N,) subwords of each prompt, at most."""
        lengths = np.append(self.texts.lengths, 0)
        return np.asarray(lengths[self.question_N] + lengths[self.about_N], np.int64)

    def rows(self, rows: Rows) -> Prompts:
        """Some of the prompts: the task, the question, what it is about, and the answer mark."""
        number, marks = len(rows), self.vocabulary
        parts = [
            self.mark_N[rows][:, None],
            self._told(self.question_N[rows], self.spec.question_subwords),
            np.where(self.about_N[rows] >= 0, marks.item, NOTHING)[:, None],
            self._told(self.about_N[rows], self.spec.about_subwords),
            np.full((number, 1), marks.answer),
        ]
        wide_BT = np.concatenate([part.astype(np.int32) for part in parts], axis=1)
        return Prompts(*packed(wide_BT, marks.pad))

    def _told(self, text_B: Ints, width: int) -> Ints:
        """(B, W) subwords of texts, holes behind their ends and in rows without one."""
        if not len(self.texts):
            return np.full((len(text_B), width), NOTHING, np.int32)
        told_BW = rectangle(self.texts.take(np.maximum(text_B, 0)), width)
        return np.where(text_B[:, None] >= 0, told_BW, np.int32(NOTHING))
