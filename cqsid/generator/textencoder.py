"""Vectors of texts: two small towers over subwords, or an encoder of the user's own.

The towers are those of the dense channel, with subword units in place of hashed n-grams.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from cqsid.generator.pretrained import PretrainedEncoder
from cqsid.generator.subwords import Subwords
from cqsid.tokenizer.signals import Floats, TextVectors
from recall.arrays import Ragged
from recall.classic.towers import DenseSpec, Pairs, Tower, embed, tower_weights, train_towers
from recall.settings import DeviceName
from recall.texts import TextFeatures
from simulator.spec import Spec


class TextSpec(Spec):
    """Text vectors and what they learn from."""

    subwords: int = Field(4096, gt=1, description="subword units (most)")
    longest: int = Field(64, gt=0, description="what is read of a text (subwords)")
    dimensions: int = Field(96, gt=0, le=512, description="length of a vector")
    hidden: int = Field(128, gt=0, description="width of each tower's hidden layer")
    epochs: int = Field(12, ge=0, description="passes over the items, and the pairs if read")
    batch_size: int = Field(512, gt=1, description="pairs a step")
    learning_rate: float = Field(0.003, gt=0, description="step size of Adam")
    temperature: float = Field(0.07, gt=0, description="divisor of cosines in the loss")
    learn_from: Literal["catalogue", "log"] = Field(
        "catalogue",
        description="items against words drawn from their own texts, or also against the "
        "queries that led to a click or an order",
    )
    encoder: str | None = Field(
        None, description="folder of a `transformers` encoder to use instead; it does not learn"
    )
    device: DeviceName = Field("auto", description="where to train or encode: auto, cpu or cuda")


@dataclass(frozen=True)
class TextEncoder:
    """Two towers over the mean of a text's subword vectors, one for items, one for queries.

    A vector is a function of its text alone: of about unit length, on the grid of
    `recall.classic.towers`, zeros for a text without a known subword.

    Attributes:
        subwords: units of the texts.
        longest: how many units are read of a text.
        table_VD: vector of each unit.
        query_tower, item_tower: weights of the towers.
    """

    subwords: Subwords
    longest: int
    table_VD: Floats
    query_tower: Tower
    item_tower: Tower

    @staticmethod
    def fit(
        spec: TextSpec,
        catalog_texts: Sequence[str],
        texts: Sequence[str],
        pairs: Pairs,
        *,
        subwords: Subwords,
        rng: np.random.Generator,
    ) -> TextVectors:
        """Learn from item texts and, where the spec says so, from logged pairs.

        Args:
            spec: what to learn from; with `spec.encoder` that encoder is opened instead.
            catalog_texts: text of each item.
            texts: query texts of the log.
            pairs: rows of `texts` and items that were clicked or bought for them.
            subwords: units of the texts.
            rng: source of all randomness.

        Raises:
            ConfigError: the folder of `spec.encoder` holds no encoder.
        """
        if spec.encoder is not None:
            return PretrainedEncoder(Path(spec.encoder), longest=spec.longest, device=spec.device)
        if spec.learn_from == "catalogue":
            texts, pairs = (), Pairs(np.empty(0, np.int32), np.empty(0, np.int32))
        queries, items = (_features(subwords, s, spec.longest) for s in (texts, catalog_texts))
        towers = train_towers(_settings(spec, len(subwords)), queries, items, pairs, rng)
        return TextEncoder(
            subwords,
            spec.longest,
            towers.table.weight.detach().numpy().copy(),
            tower_weights(towers.query),
            tower_weights(towers.item),
        )

    def items(self, texts: list[str]) -> Floats:
        """(N, D) vectors of item texts."""
        return self._embed(texts, self.item_tower)

    def queries(self, texts: list[str]) -> Floats:
        """(N, D) vectors of query texts."""
        return self._embed(texts, self.query_tower)

    def _embed(self, texts: list[str], tower: Tower) -> Floats:
        return embed(self.table_VD, tower, self.subwords.encode(texts, self.longest))


def _settings(spec: TextSpec, units: int) -> DenseSpec:
    shared = set(TextSpec.model_fields) & set(DenseSpec.model_fields)
    return DenseSpec(buckets=max(units, 2), **spec.model_dump(include=shared))


def _features(subwords: Subwords, texts: Sequence[str], longest: int) -> TextFeatures:
    """Texts as the tower trainer reads them: each unit is a word with itself as its feature."""
    unit = np.arange(len(subwords), dtype=np.int32)
    itself = Ragged(unit, np.arange(len(subwords) + 1))
    return TextFeatures(subwords.encode(texts, longest), itself)
