"""The generative channel: a request becomes a prompt, the prompt a beam of ids, the ids items."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.cache import AnswerCache, Answers
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.decoding.trie import Trie
from cqsid.fit import learn
from cqsid.generator.prompts import Prompts
from cqsid.learned import Learned
from cqsid.reporting import figures, share_done
from cqsid.saved import load_learned
from cqsid.settings import Beams, CqsidSpec
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import with_newcomers
from cqsid.training.stages import Stage
from recall.arrays import blank
from recall.augmenting.augmentation import Synthetic
from recall.candidates import Candidates
from recall.storage import plug_in_roots
from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import DAY, Index, ItemStatistics, Requests


class CqsidChannel:
    """Items whose semantic ids the generator finds likeliest for the query and its shopper.

    Once a day the pool of items is read anew: new items get ids, retired ones leave, and the
    search is over the ids of what is left. Within an id the items come by `ShelfSpec.order`; sold
    out ones are passed over. A query without a known subword finds nothing.
    """

    def __init__(self, spec: CqsidSpec | None = None, name: str = "cqsid") -> None:
        self.name = name
        self._spec = spec or CqsidSpec()
        self._workspace: Path | None = None
        self._tell: Callable[[float], None] | None = None
        self._made: tuple[Synthetic, ...] = ()
        self._texts = TextCache()
        self._answers = _caches(self._spec)
        self._pool: SemanticIds | None = None
        self._decoder: Decoder | None = None

    def resume_in(self, folder: Path) -> None:
        """Keep what is learned so far in this folder; a later `fit` there continues from it."""
        self._workspace = folder

    def learn_with(self, made: Sequence[Synthetic]) -> None:
        """Learn from these pairs, too, in the query stage of the next `fit`."""
        self._made = tuple(made)

    def watch(self, tell: Callable[[float], None]) -> None:
        """During the next `fit`, tell the share of the generator's training that is done."""
        self._tell = tell

    def adjust(self, spec: CqsidSpec) -> None:
        """Serve with these settings; what was learned stays.

        Raises:
            ConfigError: settings of serving that do not fit the ids.
        """
        self._check(spec)
        self._spec = spec
        self._answers = _caches(spec)

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn text vectors, ids and the generator, or load those of a checkpoint.

        Raises:
            ConfigError, DataError: settings or a checkpoint that do not fit the catalogue.
        """
        learned = self._loaded(catalog) or learn(
            self._spec,
            catalog,
            history,
            rng=rng,
            made=self._made,
            workspace=self._workspace,
            progress=share_done(self._spec, self._tell) if self._tell is not None else None,
        )
        self._workspace = self._tell = None
        self._made = ()
        self._retired_at_I = catalog.retired_at_I
        self.serve(learned)

    def serve(self, learned: Learned) -> None:
        """Serve with a system that was trained elsewhere on the catalogue of `fit`.

        Until the next refresh all items that were known in its training are there.

        Raises:
            ConfigError: settings that do not fit its ids.
        """
        self.learned = learned
        self._check(self._spec)
        signals = learned.signals
        self._texts.clear()
        self._day, self._pool = -np.inf, None
        self._ids = learned.ids
        self._stock(signals.known_I, signals.statistics)

    def _check(self, spec: CqsidSpec) -> None:
        spec.serving.check_levels(self.learned.ids.levels)
        if spec.serving.related_only and not self.learned.first_is_category:
            raise ConfigError(
                "serving.related_only == True, must be false: the ids' first code is not the "
                "category"
            )

    def _loaded(self, catalog: Catalog) -> Learned | None:
        spec = self._spec
        if spec.checkpoint is None:
            return None
        learned = load_learned(Path(spec.checkpoint), catalog, plug_in_roots(spec))
        trained = {stage.stage for stage in learned.report.stages}
        if spec.personalised and Stage.SHOPPER not in trained:
            raise ConfigError(
                f"personalised == True, must be false: {spec.checkpoint} never heard of shoppers"
            )
        return learned

    def report(self) -> dict[str, Any]:
        """Quality of the ids and course of the training, see `cqsid.reporting.figures`."""
        return figures(self.learned)

    def refresh(self, index: Index, arm: int) -> None:
        """Read the shop's snapshot: its items once a day, its stock each time."""
        if index.at // DAY != self._day:
            self._day = index.at // DAY
            created_at_I = self.learned.signals.created_at_I
            entered_I = created_at_I <= index.at
            on_sale_I = entered_I & (self._retired_at_I > index.at)
            learned = self.learned
            self._ids = with_newcomers(learned.scheme, learned.signals, learned.ids, entered_I)
            self._stock(on_sale_I, index.statistics_of(arm))
        self._shelves = self._full.on_sale(index.available_I)

    def _stock(self, on_sale_I: NDArray[np.bool_], statistics: ItemStatistics) -> None:
        """Search among the ids of the items on sale."""
        learned = self.learned
        pool = self._ids.among(on_sale_I)
        self._search(pool)
        values_I = item_values(self._spec.serving.shelves, statistics, learned.signals.created_at_I)
        self._full = Shelves.of(pool, values_I)
        self._shelves = self._full

    def _search(self, pool: SemanticIds) -> None:
        """Make the decoder for the pool's ids, unless they are those of the day before."""
        before, self._pool = self._pool, pool
        if before is not None and np.array_equal(before.sids_SL, pool.sids_SL):
            return
        for answers in self._answers:
            answers.clear()
        learned = self.learned
        self._decoder = None
        if len(pool.sids_SL):
            trie = Trie.of(pool.sids_SL, pool.sizes)
            self._decoder = Decoder(
                learned.weights,
                learned.prompts.vocabulary,
                trie,
                softmax=learned.softmax,
            )

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """Items of the likeliest ids, at most `limit`; the score is the id's log-probability."""
        return self.recall_at(requests, limit, np.zeros(len(requests), np.int8))

    def recall_at(
        self, requests: Requests, limit: int, step_B: NDArray[np.integer[Any]]
    ) -> Candidates:
        """The same with the beams of a step of `ServingSpec.steps`, for each request."""
        found = blank(len(requests), limit)
        if self._decoder is None:
            return found
        prompts, known_B = self.learned.ask(
            requests, self._ids, self._texts, personalised=self._spec.personalised
        )
        first_BK = self._first_codes(requests)
        if first_BK is not None:
            known_B &= first_BK.any(axis=1)
        rows = np.flatnonzero(known_B)
        if not len(rows):
            return found
        cap = self._spec.serving.shelves.cap
        for step in np.unique(step_B[rows]):
            some = rows[step_B[rows] == step]
            allowed_UK = None if first_BK is None else first_BK[some]
            decode = partial(self._decode, self._spec.serving.steps[step][1])
            sid_UN, scores_UN = self._answers[step](prompts.rows(some), decode, allowed_UK)
            items = self._shelves.expand(sid_UN, scores_UN, limit, cap)
            found.items_BN[some], found.scores_BN[some] = items.items_BN, items.scores_BN
        return found

    def _first_codes(self, requests: Requests) -> NDArray[np.bool_] | None:
        """(B, K) which first codes of the pool each answer may have; None: all."""
        if not self._spec.serving.related_only or self._pool is None:
            return None
        related_BK = self.learned.related_codes(requests, self._texts)
        in_use_K = np.zeros(related_BK.shape[1], np.bool_)
        in_use_K[self._pool.sids_SL[:, 0]] = True
        return related_BK & in_use_K

    def _decode(
        self, widths: Beams, prompts: Prompts, first_BK: NDArray[np.bool_] | None
    ) -> Answers:
        assert self._decoder is not None
        beams = self._decoder.decode(prompts, widths, first_BK=first_BK)
        return beams.sid_BN, beams.scores_BN


def _caches(spec: CqsidSpec) -> list[AnswerCache]:
    """Answers at each step of serving: they are those of other beams."""
    return [AnswerCache(spec.serving.cache) for _ in spec.serving.steps]
