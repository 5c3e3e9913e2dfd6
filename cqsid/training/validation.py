"""Hit rates and loss of a generator on requests that it does not learn from."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cqsid.decoding.decoder import Decoder, Softmax
from cqsid.decoding.evaluate import hit_rate_B
from cqsid.decoding.trie import Trie
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.tokenizer.ids import SemanticIds
from cqsid.training.examples import (
    Examples,
    PromptSource,
    Rows,
    Shoppers,
    Texts,
    TrainingData,
    acted_on,
)
from cqsid.training.loop import Validation
from cqsid.training.loss import Batch, answer_loss
from recall.arrays import Ragged
from simulator.log.history import History

WIDTHS: Final = (1, 10)  # beams whose hit rates are reported
_CHUNK = 256  # prompts decoded at once


@dataclass(frozen=True)
class Split:
    """A log cut in time.

    Attributes:
        before: what may be learned from: requests and orders before the first held-out request.
        row_V: rows, in the whole log, of the held-out requests, which led to something.
        targets: the distinct items clicked or bought at each of them.
    """

    before: History
    row_V: Rows
    targets: Ragged

    @staticmethod
    def of(history: History, ids: SemanticIds, share: float, most: int) -> "Split":
        """Hold out the last `share` of the requests that led to items with an id, at most `most`.

        Requests of equal time stay on one side, so that it may be somewhat more.
        """
        row_F, item_F = acted_on(history)
        kept_F = ids.sid_I[item_F] >= 0
        row_F, item_F = row_F[kept_F], item_F[kept_F]
        at = np.sort(history.at_R[np.unique(row_F)])
        number = min(int(share * len(at)), most)
        if not number:
            return Split(history, np.zeros(0, np.int64), Ragged.of([]))
        until = float(at[-number])
        held_F = history.at_R[row_F] >= until
        keys = np.unique(row_F[held_F] * len(ids) + item_F[held_F])
        row_T, item_T = np.divmod(keys, len(ids))
        row_V, first_V = np.unique(row_T, return_index=True)
        pointer = np.append(first_V, len(row_T)).astype(np.int64)
        return Split(history.before(until), row_V, Ragged(item_T.astype(np.int32), pointer))

    def queries(self, data: TrainingData) -> Texts:
        """Prompts of the held-out requests without their shoppers."""
        return Texts(data.prompts.queries, data.texts, data.history.text_R[self.row_V])

    def shoppers(self, data: TrainingData) -> Shoppers:
        """Prompts of the held-out requests; clicks of earlier ones are known to them."""
        return Shoppers.of(data, data.history, self.row_V)


def title_sample(data: TrainingData, most: int) -> tuple[Texts, Ragged]:
    """At most `most` items with an id, evenly over the catalogue, each its own target.

    They are learned from too: what the first stage is for is to know all items by heart.
    """
    known = np.flatnonzero(data.ids.sid_I >= 0)
    picked = known[np.linspace(0, len(known) - 1, min(most, len(known))).astype(np.int64)]
    item_N = picked.astype(np.int32)
    return Texts(data.prompts.items, data.titles, item_N), Ragged(
        item_N, np.arange(len(item_N) + 1)
    )


@dataclass(frozen=True)
class Validator:
    """Validates a generator on V prompts.

    Attributes:
        prompts: the prompts.
        targets: the items that each of them should lead to.
        ids: ids of the items.
        vocabulary, softmax: of the generator.
    """

    prompts: PromptSource
    targets: Ragged
    ids: SemanticIds
    vocabulary: Vocabulary
    softmax: Softmax

    def __call__(self, weights: Weights, step: int) -> Validation:
        """Loss and hit rates of some weights."""
        return Validation(step, self.loss(weights), self.hit_rates(weights))

    def loss(self, weights: Weights) -> float:
        """Mean cross entropy of the ids of all target items."""
        row_T = np.repeat(np.arange(len(self.targets)), self.targets.lengths)
        weight_T = np.ones(len(row_T))
        examples = Examples(self.prompts, self.targets.values, self.ids.codes_IL, weight_T)
        total = 0.0
        for start in range(0, len(row_T), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(row_T)))
            prompts = self.prompts.rows(row_T[rows])
            batch = Batch.of(prompts, examples.codes(rows), self.vocabulary)
            loss = answer_loss(weights, self.vocabulary, batch, self.softmax)
            total += loss.item() * len(rows)
        return total / len(row_T)

    def hit_rates(self, weights: Weights) -> tuple[float, ...]:
        """Mean share of a request's target items that each width of `WIDTHS` covers."""
        trie = Trie.of(self.ids.sids_SL, self.ids.sizes)
        decoder = Decoder(weights, self.vocabulary, trie, softmax=self.softmax)
        rows_V = np.arange(len(self.targets))
        chunks = np.split(rows_V, range(_CHUNK, len(rows_V), _CHUNK))
        prompts = [self.prompts.rows(rows) for rows in chunks]
        rates = []
        for width in WIDTHS:
            beams = [decoder.decode(some, width).sid_BN for some in prompts]
            hits_V = hit_rate_B(np.concatenate(beams), width, self.targets, self.ids)
            rates.append(float(hits_V.mean()))
        return tuple(rates)
