"""One scheme with one seed: trained on the earlier history, asked the requests of its last days."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cqsid.decoding.decoder import Decoder
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.decoding.trie import Trie
from cqsid.fit import learn_generator, learn_texts
from cqsid.learned import Learned
from cqsid.loggers.listening import keep_events
from cqsid.registry import GenerativeSpec, generative
from cqsid.reporting import share_done
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.quality import IdQuality
from cqsid.tokenizer.scheme import first_ids, with_newcomers
from cqsid.tokenizer.schemes.registry import build_scheme, check_codes
from cqsid.tokenizer.schemes.settings import IdsSpec
from cqsid.tokenizer.signals import Signals
from experiments.config.ids_bench import IdsBenchSpec
from experiments.config.schema import Config
from experiments.idsbench.asked import PLACE, asked_requests
from experiments.records.ids import Mode
from experiments.running.heldout import test_start
from experiments.running.models import CATALOG, LOG, heard, load_saved, model_rng
from experiments.stages.executor import Advance
from experiments.stages.progress import Parts
from experiments.stages.stage import Stage
from recall.device import one_thread
from recall.storage import plug_in_roots, save
from recall.texts.cache import TextCache
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ContractError, placing
from simulator.log.history import load_history
from simulator.protocols import Requests

TEXTS = "texts.safetensors"
TRIAL = "trial.safetensors"


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
class TrialJob(TextsJob):
    """One scheme to be trained and asked, with the texts of its seed."""

    texts: Path
    scheme: str


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
        answered: answers by mode.
        training_s: seconds for ids and generator.
    """

    scheme: str
    seed: int
    ids: SemanticIds
    shelves: Shelves
    quality: IdQuality
    answered: dict[Mode, Answered]
    training_s: float


def fit_texts(job: TextsJob, *, advance: Advance) -> None:
    """Learn text vectors, and gather what schemes learn from."""
    config, spec = job.config, _template(job.config, job.channel)
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = load_history(job.history / LOG)
    history = history.before(test_start(history, config.ids_bench.test_days, PLACE))
    with job.stage.write() as folder:
        rng = model_rng(config, f"ids.texts.{job.seed}")
        with heard(config, job.stage):
            subwords, vectors = learn_texts(spec, catalog, history, rng=rng)
        keep_events(job.stage.workspace, folder)
        signals = Signals.of(catalog, history, vectors)
        save(folder / TEXTS, (subwords, vectors, signals), trusted=plug_in_roots(job.config))
    advance(1)


def run_trial(job: TrialJob, *, advance: Advance) -> str | None:
    """Train one scheme and ask it the test requests, without and with the shopper.

    Returns:
        Why the scheme gives no ids; None where the stage is finished. What is wrong with one scheme
        is not the others' matter.
    """
    parts = Parts(advance)
    try:
        _train(job, parts)
    except ContractError as error:
        return str(error)
    parts.finish()
    return None


def _train(job: TrialJob, tell: Parts) -> None:
    config, bench = job.config, job.config.ids_bench
    spec = _template(config, job.channel)
    spec = spec.model_copy(update={"ids": named(spec.ids, job.scheme)})
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    whole = load_history(job.history / LOG)
    history = whole.before(test_start(whole, bench.test_days, PLACE))
    subwords, vectors, signals = load_saved(job.texts / TEXTS, job.config)
    rows, _ = asked_requests(whole, bench, config.seed)
    requests = whole.requests(rows)
    with job.stage.write() as folder, heard(config, job.stage):
        start = time.perf_counter()
        # Schemes share the luck of their seed: a pair differs in the scheme alone.
        rng = model_rng(config, f"ids.scheme.{job.seed}")
        with placing(f"channels.{job.channel}"):
            check_codes(spec.ids, signals.categories)
            scheme = build_scheme(spec.ids)
            ids = first_ids(scheme, signals, rng=rng)
        modes = [Mode.SEMANTIC, *([Mode.PERSONALISED] if bench.personalised else [])]
        answered: dict[Mode, Answered] = {}
        training_s = time.perf_counter() - start
        entered_I = signals.created_at_I <= whole.at_R.max()
        table = with_newcomers(scheme, signals, ids, entered_I)
        for mode in modes:
            # The later mode continues from the stages that the earlier one finished.
            own = spec.model_copy(update={"personalised": mode == Mode.PERSONALISED})
            learned = learn_generator(
                own,
                catalog,
                history,
                (subwords, vectors, signals, scheme, ids),
                seed=int(model_rng(config, f"ids.generator.{job.seed}").integers(2**31)),
                workspace=job.stage.workspace,
                progress=share_done(own, _span(tell, len(answered), len(modes))),
            )
            answered[mode] = _ask(spec, bench, learned, table, requests, mode)
        training_s += learned.report.seconds
        # Items in the order in which the channel would return them at the start of the test.
        order_I = item_values(spec.serving.shelves, signals.statistics, signals.created_at_I)
        shelves, quality = Shelves.of(table, order_I), IdQuality.of(ids, signals)
        trial = Trial(job.scheme, job.seed, table, shelves, quality, answered, training_s)
        save(folder / TRIAL, trial, trusted=plug_in_roots(job.config))
        keep_events(job.stage.workspace, folder)


def _span(tell: Callable[[float], None], number: int, count: int) -> Callable[[float], None]:
    """Tells of one of several pieces of work as a part of them all."""
    return lambda share: tell((number + share) / count)


def named(spec: IdsSpec, scheme: str) -> IdsSpec:
    """The settings of ids for a scheme of the bench; `custom` is the channel's own."""
    if scheme == spec.scheme:
        return spec
    return spec.model_copy(update={"scheme": scheme, "object": None, "options": {}})


def _template(config: Config, channel: str) -> GenerativeSpec:
    return generative(config.channels)[channel].on_device(config.device)


def _ask(
    spec: GenerativeSpec,
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
    decoder = Decoder(learned.weights, vocabulary, trie, softmax=learned.softmax)
    decoded: dict[int, Ints] = {}
    decode_s = 0.0
    with one_thread():
        for width in sorted({*bench.beams, bench.serving_beam, bench.deepest}):
            start = time.perf_counter()
            found = decoder.decode(prompts.rows(rows), width)
            if width == bench.serving_beam:
                decode_s = (time.perf_counter() - start) / max(len(rows), 1)
            decoded[width] = np.full((len(requests), width), -1, np.int32)
            decoded[width][rows] = found.sid_BN
    return Answered(decoded, float(prompts.length_B.mean()), decode_s)
