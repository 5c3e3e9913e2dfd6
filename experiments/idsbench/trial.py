"""One scheme with one seed: trained on the earlier history, asked the requests of its last days."""

import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cqsid.decode import Decoder
from cqsid.ids import SemanticIds
from cqsid.learned import Learned
from cqsid.learning import learn_generator, learn_texts
from cqsid.quality import IdQuality
from cqsid.schemes.registry import build_scheme
from cqsid.settings import CqsidSpec
from cqsid.shelves import Shelves, item_values
from cqsid.signals import Signals
from cqsid.trie import Trie
from experiments.build import load_saved, model_rng, save_object
from experiments.executor import Advance
from experiments.idsbench.readings import Asked, Mode
from experiments.idsbench.settings import IdsBenchSpec
from experiments.models import CATALOG
from experiments.schema import Config
from experiments.store import Stage
from experiments.worlds import LOG
from recall.device import one_thread
from recall.ragged import Ragged
from recall.textcache import TextCache
from simulator.arrivals import DAY
from simulator.catalog import Catalog, Ints
from simulator.errors import ConfigError
from simulator.history import History, load_history
from simulator.protocols import ItemStatistics, Requests

TEXTS = "texts.pickle"
TRIAL = "trial.pickle"


@dataclass(frozen=True)
class TextsJob:
    """Text vectors of one seed, which all schemes of that seed share."""

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    channel: str
    seed: int


@dataclass(frozen=True)
class TrialJob:
    """One scheme to be trained and asked."""

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    texts: Path
    channel: str
    scheme: str
    seed: int


@dataclass(frozen=True)
class Answered:
    """What a trained scheme answered in one mode.

    Attributes:
        decoded: (B, width) beams, rows of the id table, by the width they were decoded with.
        prompt: mean prompt length (tokens).
        decode_s: seconds for a request at the serving beam.
    """

    decoded: dict[int, Ints]
    prompt: float
    decode_s: float


@dataclass(frozen=True)
class Trial:
    """One scheme with one seed, trained and asked.

    Attributes:
        ids: ids of the items in the shop at the end of the history.
        shelves: the items behind them.
        quality: quality of the ids that training made.
        embedding_hit: see `IdReading.embedding_hit`.
        answered: answers by mode.
        training_s: seconds for ids and generator.
        validation: hit rates of each stage on held-out requests, by stage.
    """

    scheme: str
    seed: int
    ids: SemanticIds
    shelves: Shelves
    quality: IdQuality
    answered: dict[Mode, Answered]
    training_s: float
    validation: dict[str, tuple[float, ...]]


def test_start(history: History, spec: IdsBenchSpec) -> float:
    """When the test days begin (simulated seconds).

    Raises:
        ConfigError: the history is no longer than the test.
    """
    last = float(history.at_R.max()) if len(history.at_R) else 0.0
    start = (last // DAY + 1 - spec.test_days) * DAY
    if start <= 0 or not (history.at_R < start).any():
        days = int(last // DAY) + 1
        raise ConfigError(f"ids_bench.test_days == {spec.test_days}, must be < {days} (history)")
    return start


def asked_requests(
    history: History, spec: IdsBenchSpec, seed: int
) -> tuple[NDArray[np.int64], Asked]:
    """The test: rows of requests of the test days that led to a click, and what was clicked.

    Raises:
        ConfigError: nothing was clicked in the test days.
    """
    clicked = np.flatnonzero(history.clicked_X.astype(bool))
    clicked = clicked[history.at_R[history.row_X[clicked]] >= test_start(history, spec)]
    rows = np.unique(history.row_X[clicked]).astype(np.int64)
    if not len(rows):
        raise ConfigError(f"ids_bench.test_days == {spec.test_days}, must hold a click")
    if len(rows) > spec.test_requests:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(rows, spec.test_requests, replace=False))
    clicked = clicked[np.isin(history.row_X[clicked], rows)]
    pairs = np.unique(np.stack([history.row_X[clicked], history.item_X[clicked]], 1), axis=0)
    pointer = np.searchsorted(pairs[:, 0], np.append(rows, rows[-1] + 1)).astype(np.int64)
    targets = Ragged(pairs[:, 1].astype(np.int32), pointer)
    return rows, Asked(targets, history.shopper_R[rows])


def fit_texts(job: TextsJob, *, advance: Advance) -> None:
    """Learn text vectors, and gather what schemes learn from."""
    config, spec = job.config, _template(job.config, job.channel)
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = load_history(job.history / LOG)
    history = history.before(test_start(history, config.ids_bench))
    with job.stage.write() as folder:
        rng = model_rng(config, f"ids.texts.{job.seed}")
        subwords, vectors = learn_texts(spec, catalog, history, rng=rng)
        signals = Signals.of(catalog, history, vectors)
        save_object(folder / TEXTS, (subwords, vectors, signals))
    advance(1)


def run_trial(job: TrialJob, *, advance: Advance) -> None:
    """Train one scheme and ask it the test requests, without and with the shopper."""
    config, bench = job.config, job.config.ids_bench
    spec = _template(config, job.channel)
    spec = spec.model_copy(update={"ids": spec.ids.model_copy(update={"scheme": job.scheme})})
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    whole = load_history(job.history / LOG)
    history = whole.before(test_start(whole, bench))
    subwords, vectors, signals = load_saved(job.texts / TEXTS)
    rows, _ = asked_requests(whole, bench, config.seed)
    requests = whole.requests(rows)
    with job.stage.write() as folder:
        start = time.perf_counter()
        # Schemes share the luck of their seed: a pair differs in the scheme alone.
        rng = model_rng(config, f"ids.scheme.{job.seed}")
        scheme = build_scheme(spec.ids)
        ids = scheme.fit(signals, rng=rng)
        modes = [Mode.SEMANTIC, *([Mode.PERSONALISED] if bench.personalised else [])]
        answered: dict[Mode, Answered] = {}
        validation: dict[str, tuple[float, ...]] = {}
        training_s = time.perf_counter() - start
        table = _with_new_items(scheme, signals, ids, float(whole.at_R.max()))
        for mode in modes:
            # The later mode continues from the stages that the earlier one finished.
            learned = learn_generator(
                spec.model_copy(update={"personalised": mode == Mode.PERSONALISED}),
                catalog,
                history,
                (subwords, vectors, signals, scheme, ids),
                seed=int(model_rng(config, f"ids.generator.{job.seed}").integers(2**31)),
                workspace=job.stage.workspace,
            )
            answered[mode] = _ask(spec, bench, learned, table, requests, mode)
            for stage in learned.report.stages:
                validation[stage.stage] = stage.best.hit_rates if stage.best else ()
        training_s += learned.report.seconds
        trial = Trial(
            scheme=job.scheme,
            seed=job.seed,
            ids=table,
            shelves=_shelves(spec, table, signals),
            quality=IdQuality.of(ids, signals),
            answered=answered,
            training_s=training_s,
            validation=validation,
        )
        save_object(folder / TRIAL, trial)
    advance(1)


def load_trial(stage: Stage) -> Trial:
    """What `run_trial` wrote."""
    trial: Trial = pickle.loads((stage.path / TRIAL).read_bytes())
    return trial


def _template(config: Config, channel: str) -> CqsidSpec:
    spec = config.channels[channel]
    assert isinstance(spec, CqsidSpec)
    if spec.device == "auto":
        spec = spec.model_copy(update={"device": config.device})
    return spec


def _with_new_items(scheme: object, signals: Signals, ids: SemanticIds, at: float) -> SemanticIds:
    """The table with ids for what entered the shop during the test, as the channel gives them."""
    new = np.flatnonzero((signals.created_at_I <= at) & (ids.sid_I < 0))
    if not len(new):
        return ids
    arrival = np.argsort(signals.created_at_I[new], kind="stable")
    return scheme.assign(signals, new[arrival].astype(np.int32), ids)  # type: ignore[attr-defined,no-any-return]


def _shelves(spec: CqsidSpec, ids: SemanticIds, signals: Signals) -> Shelves:
    """Items in the order in which the channel would return them at the start of the test."""
    counts = (signals.exposures_I, signals.clicks_I, signals.orders_I)
    statistics = ItemStatistics(*(column.astype(np.float32) for column in counts))
    values_I = item_values(spec.serving.shelves, statistics, signals.created_at_I)
    return Shelves.of(ids, values_I)


def _ask(
    spec: CqsidSpec,
    bench: IdsBenchSpec,
    learned: Learned,
    ids: SemanticIds,
    requests: Requests,
    mode: Mode,
) -> Answered:
    prompts, known_B = learned.ask(
        requests, ids, TextCache(), personalised=mode == Mode.PERSONALISED
    )
    rows = np.flatnonzero(known_B)
    trie = Trie.of(ids.sids_SL, ids.sizes)
    vocabulary = learned.prompts.vocabulary
    decoder = Decoder(learned.weights, vocabulary, trie, softmax=spec.model.softmax)
    decoded: dict[int, Ints] = {}
    decode_s = 0.0
    with one_thread():
        for width in sorted({*bench.beams, bench.serving_beam}):
            start = time.perf_counter()
            found = decoder.decode(prompts.rows(rows), width)
            if width == bench.serving_beam:
                decode_s = (time.perf_counter() - start) / max(len(rows), 1)
            decoded[width] = np.full((len(requests), width), -1, np.int32)
            decoded[width][rows] = found.sid_BN
    return Answered(decoded, float(prompts.length_B.mean()), decode_s)
