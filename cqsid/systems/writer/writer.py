"""The text writer: one language model, several tasks, texts of one padded length.

What it writes is found by beam search among allowed texts, or sampled from all rows of subwords. It
is trained from nothing on the texts that it is given, so it knows no more than they tell.

Axis suffixes: B questions, R answers of each, G sampled answers, L codes of a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cqsid.alignment.policy import log_probabilities
from cqsid.alignment.sampling import sample
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.trie import Trie
from cqsid.generator.model import backbone_subwords, build_model
from cqsid.generator.prompts import Prompts
from cqsid.generator.subwords import Subwords
from cqsid.generator.transformer import Weights
from cqsid.systems.writer.lessons import NOTHING, Asked, Lessons, Prefixed
from cqsid.systems.writer.settings import WriterSpec
from cqsid.systems.writer.textcodes import TextTrie, TextVocabulary, text_codes
from cqsid.training.examples import Examples
from cqsid.training.loop import Plan, StageRun
from cqsid.training.stages import heard
from recall.device import one_thread
from simulator.catalogue.catalog import Ints
from simulator.curves import Curve
from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float32]
_LAID_OUT: Final = ("_anything", "_decoder")
"""What is made of the weights when it is first asked for."""


@dataclass(frozen=True)
class Written:
    """What was written for B questions, the likeliest first.

    Attributes:
        text_BR: row of each text among those that were allowed; -1 where there is no further one.
        logp_BR: its log-probability; -inf where there is none.
    """

    text_BR: Ints
    logp_BR: Floats


class TextWriter:
    """Writes texts; see the module.

    Args:
        spec: settings.

    Attributes:
        losses: of the training, a number for each step.
    """

    def __init__(self, spec: WriterSpec | None = None) -> None:
        self.spec = spec or WriterSpec()
        self.losses: tuple[float, ...] = ()

    def fit(self, sets: Mapping[str, Lessons], *, rng: np.random.Generator) -> None:
        """Learn all tasks in one training; each lesson is drawn by its weight.

        Answers that have no known subword teach nothing; of one that is too long its beginning
        is learned. Makers of soft prefixes learn with the model, and are changed in place.

        Args:
            sets: the lessons of each task, by its name.
            rng: the luck of first weights and of the order.

        Raises:
            DataError: no lesson at all, a row that points at no text, or not one prefix for each
                lesson.
            ContractError: vectors of a prefix of another width than the model's.
            ConfigError: a backbone that is none, or a learning rate that is too high.
        """
        texts = _texts(sets)
        seed = int(rng.integers(2**31))
        self.subwords = backbone_subwords(self.spec.model) or Subwords.train(
            texts, self.spec.subwords
        )
        self.vocabulary = TextVocabulary.of(len(self.subwords), self.spec.longest, tuple(sets))
        model = build_model(self.spec.model, self.vocabulary, seed=seed)
        makers = [each.prefixed.maker for each in sets.values() if each.prefixed is not None]
        model.add_module("prefix_makers", nn.ModuleList([one for one in makers if one is not None]))
        plan = Plan(self.spec.training, self._examples(sets, texts), (), (seed, 0))
        with one_thread():
            run = StageRun(model, self.vocabulary, "level", plan, None, None)
            with Curve("writer") as curve:
                course = run.run(heard(curve))
        self.losses, self.weights = tuple(course.losses), Weights.of(model).detached()
        for name in _LAID_OUT:
            self.__dict__.pop(name, None)

    def _examples(self, sets: Mapping[str, Lessons], texts: tuple[str, ...]) -> Examples:
        start_of = np.cumsum([0, *(len(each.texts) for each in sets.values())])
        marks, questions, about, answers, weights, own = [], [], [], [], [], []
        prefixed = {}
        for (task, lessons), start in zip(sets.items(), start_of.tolist(), strict=False):
            marks.append(np.full(len(lessons), self.vocabulary.task(task), np.int32))
            questions.append(lessons.question_P + start)
            about.append(np.where(lessons.about_P >= 0, lessons.about_P + start, NOTHING))
            answers.append(lessons.answer_P + start)
            weights.append(lessons.weight_P)
            own.append(np.arange(len(lessons)))
            if lessons.prefixed is not None:
                prefixed[self.vocabulary.task(task)] = lessons.prefixed
        most = max(self.spec.question_subwords, self.spec.about_subwords)
        codes_TL, _ = text_codes(texts, self.subwords, self.spec.longest)
        answer_P = np.concatenate(answers)
        kept = np.flatnonzero(codes_TL[answer_P, 0] != self.vocabulary.end)
        if not len(kept):
            raise DataError("lessons == 0 with an answer of known subwords, must be > 0")
        asked = Asked(
            self.vocabulary,
            self.spec,
            np.concatenate(marks)[kept],
            self.subwords.encode(texts, most),
            np.concatenate(questions)[kept].astype(np.int32),
            np.concatenate(about)[kept].astype(np.int32),
            prefixed,
            np.concatenate(own)[kept],
        )
        return Examples(
            asked, answer_P[kept].astype(np.int32), codes_TL, np.concatenate(weights)[kept]
        )

    def trie(self, texts: Sequence[str]) -> TextTrie:
        """The texts that may be written, for `write`.

        Raises:
            DataError: none of them can be written.
        """
        return TextTrie.of(texts, self.subwords, self.spec.longest)

    def codes(self, texts: Sequence[str], among: TextTrie | None = None) -> Ints:
        """(T, L) the codes of texts.

        Raises:
            DataError: a text that cannot be written as a whole, or that is none of those allowed.
        """
        codes_TL, whole_T = text_codes(texts, self.subwords, self.spec.longest)
        wrong_T, wanted = ~whole_T, f"1 to {self.spec.longest} known subwords"
        if among is not None and not wrong_T.any():
            wrong_T, wanted = among.trie.find(codes_TL) < 0, "a text of the trie"
        if wrong_T.any():
            row = int(wrong_T.argmax())
            raise DataError(f"texts[{row}] == {texts[row]!r}, must be {wanted}")
        return codes_TL

    def write(
        self,
        task: str,
        questions: Sequence[str],
        most: int,
        *,
        among: TextTrie,
        about: Sequence[str] | None = None,
        prefixed: Prefixed | None = None,
    ) -> Written:
        """The likeliest allowed texts, by beam search.

        Args:
            task: which.
            questions: what is asked.
            most: R, texts for each question, and beams of the search.
            among: the texts that may be written.
            about: a text for each question that it is asked about.
            prefixed: vectors before each question.

        Raises:
            ConfigError: no such task, or `most` below 1.
            DataError: a text of another writer's trie, or not one text or prefix for each question.
            ContractError: vectors of a prefix of another width than the model's.
        """
        self._check_trie(among)
        decoder = self._decoder.among(among.trie)
        found = decoder.decode(self._prompts(task, questions, about, prefixed), most)
        text_BR = np.where(found.sid_BN >= 0, among.text_S[found.sid_BN], NOTHING)
        return Written(text_BR.astype(np.int32), found.scores_BN)

    def sampled(
        self,
        task: str,
        questions: Sequence[str],
        number: int,
        *,
        rng: np.random.Generator,
        temperature: float = 1.0,
        among: TextTrie | None = None,
        about: Sequence[str] | None = None,
        prefixed: Prefixed | None = None,
    ) -> Ints:
        """(B, G, L) codes of texts drawn from what it would write; of any texts where none is set.

        Errors are those of `write`.
        """
        if among is not None:
            self._check_trie(among)
        return sample(
            self.weights,
            self.vocabulary,
            among.trie if among is not None else self._anything,
            self._prompts(task, questions, about, prefixed),
            number,
            rng=rng,
            temperature=temperature,
            constrained=among is not None,
        ).codes_BGL

    def logp(
        self,
        task: str,
        questions: Sequence[str],
        codes_BRL: Ints,
        *,
        among: TextTrie | None = None,
        about: Sequence[str] | None = None,
        prefixed: Prefixed | None = None,
    ) -> Floats:
        """(B, R) log-probability of texts; among the allowed ones alone where they are set.

        Raises:
            ConfigError: no such task.
            ContractError: codes of another shape, or that are none.
        """
        with torch.no_grad(), one_thread():
            scores = log_probabilities(
                self.weights,
                self.vocabulary,
                self._prompts(task, questions, about, prefixed),
                codes_BRL,
                trie=among.trie if among is not None else None,
            )
        return np.asarray(scores.logp_BGL.sum(dim=-1).numpy(), np.float32)

    @torch.no_grad()
    def _prompts(
        self,
        task: str,
        questions: Sequence[str],
        about: Sequence[str] | None,
        prefixed: Prefixed | None,
    ) -> Prompts:
        if about is not None and len(about) != len(questions):
            raise DataError(f"about == {len(about)} texts, must be {len(questions)}")
        if prefixed is not None and len(prefixed) != len(questions):
            raise DataError(f"prefixed == {len(prefixed)} prefixes, must be {len(questions)}")
        asked = self.vocabulary, self.subwords, self.spec, task, questions, about, prefixed
        told = Asked.of(*asked)
        return told.rows(np.arange(len(told)))

    def _check_trie(self, among: TextTrie) -> None:
        if among.trie.sizes != self.vocabulary.sizes:
            found = f"{len(among.trie.sizes)} levels of {among.trie.sizes[0]}"
            wanted = f"{len(self.vocabulary.sizes)} of {self.vocabulary.sizes[0]} as the writer's"
            raise ConfigError(f"among == {found}, must be {wanted}")

    @cached_property
    def _anything(self) -> Trie:
        """A tree of one text: what is sampled freely asks it for sizes alone."""
        nothing_1L = np.full((1, self.spec.longest), self.vocabulary.end, np.int32)
        return Trie.of(nothing_1L, self.vocabulary.sizes)

    @cached_property
    def _decoder(self) -> Decoder:
        """The model, laid out once for all tries."""
        return Decoder(self.weights, self.vocabulary, self._anything)

    def __getstate__(self) -> dict[str, Any]:
        return {name: each for name, each in vars(self).items() if name not in _LAID_OUT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _texts(sets: Mapping[str, Lessons]) -> tuple[str, ...]:
    """The texts of all sets, one after the other.

    Raises:
        DataError: no lesson, or a row that points at no text.
    """
    if not any(len(lessons) for lessons in sets.values()):
        raise DataError("lessons == 0, must be > 0")
    for task, lessons in sets.items():
        if lessons.prefixed is not None and len(lessons.prefixed) != len(lessons):
            found = f"lessons.{task}.prefixed == {len(lessons.prefixed)} prefixes"
            raise DataError(f"{found}, must be {len(lessons)}")
        for name, low in (("question_P", 0), ("about_P", NOTHING), ("answer_P", 0)):
            column = getattr(lessons, name)
            wrong = np.flatnonzero((column < low) | (column >= len(lessons.texts)))
            if len(wrong):
                found = f"lessons.{task}.{name}[{wrong[0]}] == {column[wrong[0]]}"
                raise DataError(f"{found}, must be {low} to {len(lessons.texts) - 1}")
    return tuple(text for lessons in sets.values() for text in lessons.texts)
