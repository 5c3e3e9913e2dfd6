"""What filling is worth to a lexical channel, for texts that name a value and a category."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from cqsid.registry import ChannelSpec
from experiments.inference.intervals.student import student
from experiments.records.apart.understanding import Recalled
from experiments.records.interval import UNKNOWN, Interval
from experiments.stress.fillings import TrueCells
from recall.registry import build_channel
from recall.understanding.filled import Filled, Guesses, trusted, with_guesses
from simulator.catalogue.catalog import Catalog, Supply
from simulator.log.history import History
from simulator.protocols import Requests

DEPTH, TEXTS = 100, 300
_SPEC: TypeAdapter[ChannelSpec] = TypeAdapter(ChannelSpec)
LEXICAL = _SPEC.validate_python({"type": "lexical"})
COUNTED = _SPEC.validate_python({"type": "lexical", "added_length": True})
"""The channels that are asked: added words do not count in the length of an item, or do."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """T texts of a value and a category, with the items that have both in truth.

    Attributes:
        requests: of the texts.
        relevant_TI: whether an item has both.
    """

    requests: Requests
    relevant_TI: NDArray[np.bool_]


def asked_texts(supply: Supply, rng: np.random.Generator) -> Asked:
    """Texts of values of items drawn at random, by the canonical words of value and category."""
    truth, catalog = supply.truth, supply.catalog
    item_F, column_F = np.nonzero((truth.values_IV >= 0) & (truth.category_I >= 0)[:, None])
    value_F = truth.values_IV[item_F, column_F].astype(np.int64)
    pair_F = truth.category_I[item_F].astype(np.int64) * len(supply.value_words) + value_F
    drawn = rng.permutation(len(pair_F))
    _, first = np.unique(pair_F[drawn], return_index=True)
    some = drawn[np.sort(first)[:TEXTS]]
    leaves = [path.rpartition(">")[2].strip().lower() for path in catalog.categories]
    texts = [
        f"{supply.value_words[value][0]} {leaves[category]}"
        for value, category in zip(
            value_F[some].tolist(), truth.category_I[item_F[some]].tolist(), strict=True
        )
    ]
    relevant_TI = np.stack(
        [
            (truth.category_I == truth.category_I[item]) & (truth.values_IV == value).any(axis=1)
            for item, value in zip(item_F[some].tolist(), value_F[some].tolist(), strict=True)
        ]
    )
    return Asked(Requests.of_texts(tuple(texts)), relevant_TI)


def recalls(
    supply: Supply,
    filled: dict[str, Filled],
    surely: dict[str, float],
    *,
    confidence: float,
    rng: np.random.Generator,
) -> list[Recalled]:
    """Recall in the public catalogue, with every true value, and with what each step fills.

    Args:
        supply: the catalogue with its truth.
        filled: guesses of the steps, by name.
        surely: confidence from which on each fills.
        confidence: level of the intervals.
        rng: luck of the texts.

    Returns:
        Nothing where no item has both.
    """
    if not ((supply.truth.values_IV >= 0).any(axis=1) & (supply.truth.category_I >= 0)).any():
        return []
    asked, public = asked_texts(supply, rng), supply.catalog
    plain_T = _recall(public, asked)
    rows = [("", "none", plain_T), ("", "oracle", _recall(_oracle(supply), asked))]
    for name, guesses in filled.items():
        sure = trusted(public, guesses, surely[name])
        rows += [
            (name, "sure", _recall(sure, asked)),
            (name, "counted", _recall(sure, asked, added_length=True)),
            (name, "all", _recall(trusted(public, guesses, 0.0), asked)),
        ]
    return [
        Recalled(
            *(step, filling, len(recall_T)),
            _mean(recall_T, confidence),
            UNKNOWN if filling == "none" else _mean(recall_T - plain_T, confidence),
        )
        for step, filling, recall_T in rows
    ]


def _recall(catalog: Catalog, asked: Asked, *, added_length: bool = False) -> Floats:
    """(T,) share of a text's items among the first `DEPTH` that BM25 finds."""
    channel = build_channel("lexical", COUNTED if added_length else LEXICAL)
    channel.fit(catalog, History.empty(), rng=np.random.default_rng(0))
    found = channel.recall(asked.requests, DEPTH).items_BN
    row_T = np.arange(len(found))[:, None]
    hit_TN = asked.relevant_TI[row_T, np.maximum(found, 0)] & (found >= 0)
    return np.asarray(hit_TN.sum(axis=1) / asked.relevant_TI.sum(axis=1))


def _oracle(supply: Supply) -> Catalog:
    """The catalogue with every missing true value and category: for measurement alone."""
    true = TrueCells.of(supply)
    missing = true.cells.rows(true.published_F < 0)
    sure_F = np.ones(len(missing))
    guesses = Guesses(missing.item_F, missing.value_F, sure_F)
    ones_I = np.ones(len(supply.catalog), np.float32)
    whole = with_guesses(supply.catalog, guesses, supply.truth.category_I, ones_I)
    return trusted(supply.catalog, whole, 1.0)


def _mean(value_T: Floats, confidence: float) -> Interval:
    if len(value_T) < 2:
        return UNKNOWN
    error = float(value_T.std(ddof=1)) / len(value_T) ** 0.5
    return student(float(value_T.mean()), error, len(value_T) - 1, confidence=confidence)[0]
