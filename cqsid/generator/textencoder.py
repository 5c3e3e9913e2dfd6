"""Vectors of texts: two small towers over subwords, or an encoder of the user's own.

The towers are those of the dense channel, with subword units in place of hashed n-grams.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cqsid.generator.pretrained import PretrainedEncoder
from cqsid.generator.settings import TextSpec
from cqsid.generator.subwords import Subwords
from cqsid.tokenizer.signals import Floats, TextVectors
from recall.arrays import Ragged
from recall.classic.settings import DenseSpec
from recall.classic.towers import Pairs, Tower, embed, tower_weights, train_towers
from recall.texts.features import TextFeatures


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
