"""What training leaves behind, and how a request becomes a prompt."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.decoder import Softmax
from cqsid.generator.prompts import PromptBuilder, Prompts, rectangle
from cqsid.generator.related import RelatedCategories, related_clicks
from cqsid.generator.transformer import Weights
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import Scheme
from cqsid.tokenizer.signals import Signals, TextVectors
from cqsid.training.stages import TrainingReport
from recall.arrays import Ragged
from recall.channel import Channel
from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Ints
from simulator.protocols import Requests


@dataclass(frozen=True)
class Learned:
    """A trained CQ-SID: tokenizer, ids and generator.

    Attributes:
        vectors: text vectors of items and queries.
        signals: what is known of the items; new ones get their ids by it.
        scheme: gives ids to new items.
        ids: ids of the items that were known in training.
        prompts: puts prompts together.
        related: which clicks speak for a shopper.
        weights: parameters of the generator, on the CPU.
        report: how training went.
        softmax: what a code competes with, in training and therefore in service.
    """

    vectors: TextVectors
    signals: Signals
    scheme: Scheme
    ids: SemanticIds
    prompts: PromptBuilder
    related: RelatedCategories
    weights: Weights
    report: TrainingReport
    softmax: Softmax

    def tokens(self, texts: list[str]) -> tuple[Ints, NDArray[np.bool_]]:
        """What prompts need of query texts.

        Returns:
            (T, W) subwords, -1 padded, and (T, C + 1) the categories whose clicks are told.
        """
        tokens = self.prompts.query_tokens(texts)
        return (
            rectangle(tokens, self.prompts.spec.query_subwords),
            self.related.keep(self.vectors.queries(texts)),
        )

    def ask(
        self, requests: Requests, ids: SemanticIds, texts: TextCache, *, personalised: bool
    ) -> tuple[Prompts, NDArray[np.bool_]]:
        """The prompts of requests, and which of them have a known subword.

        Args:
            ids: ids of the items as of now, for the clicked ones.
            texts: remembers what `tokens` says.
            personalised: also tell gender, age band and recent clicks of related categories.
        """
        tokens_BW, related_BC = texts(requests, self.tokens)
        known_B = tokens_BW[:, 0] >= 0
        queries = Ragged(
            tokens_BW[tokens_BW >= 0].astype(np.int32),
            np.concatenate([[0], np.cumsum((tokens_BW >= 0).sum(axis=1))]),
        )
        if not personalised:
            return self.prompts.queries(queries), known_B
        row_B = np.arange(len(requests))
        clicked_BH = related_clicks(related_BC, row_B, requests.history_BH, self.signals.category_I)
        prompts = self.prompts.shoppers(
            queries, requests.gender_B, requests.age_B, clicked_BH, ids.codes_IL
        )
        return prompts, known_B

    @property
    def first_is_category(self) -> bool:
        """Whether the first code of every item of known category is the category."""
        with_both_I = (self.ids.sid_I >= 0) & (self.signals.category_I >= 0)
        first_N = self.ids.codes_IL[with_both_I, 0]
        return np.array_equal(first_N, self.signals.category_I[with_both_I])

    def related_codes(self, requests: Requests, texts: TextCache) -> NDArray[np.bool_]:
        """(B, K) which first codes are a category that each query is about.

        For ids whose first code is the category; spare codes, of items without one, are allowed.
        """
        related_BC = texts(requests, self.tokens)[1][:, :-1].astype(np.bool_)
        spare = max(self.ids.sizes[0] - related_BC.shape[1], 0)
        return np.pad(related_BC, ((0, 0), (0, spare)), constant_values=True)


class GenerativeChannel(Channel, Protocol):
    """What the benches ask of a fitted channel that serves a trained system."""

    learned: Learned

    def serve(self, learned: Learned) -> None:
        """Serve with a system that was trained elsewhere on the catalogue of `fit`."""
