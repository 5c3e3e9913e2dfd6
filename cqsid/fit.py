"""From catalogue and log to a trained CQ-SID, part by part.

Each part takes a random stream of its own, so that one that is found finished in the workspace
leaves the others as they would have been.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from cqsid.generator.model import backbone_subwords, build_model
from cqsid.generator.prompts import PromptBuilder
from cqsid.generator.related import RelatedCategories
from cqsid.generator.subwords import Subwords
from cqsid.generator.textencoder import TextEncoder
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.learned import Learned
from cqsid.settings import CqsidSpec
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import Scheme, first_ids
from cqsid.tokenizer.schemes.registry import build_scheme, check_codes
from cqsid.tokenizer.signals import Signals, TextVectors, catalog_texts
from cqsid.training.examples import MadePairs, TrainingData
from cqsid.training.stages import Tell, train_generator
from recall.augmenting.augmentation import Synthetic
from recall.classic.towers import Pairs
from recall.feedback import Feedback
from recall.storage import load, plug_in_roots, save
from simulator.atomic import replacing
from simulator.catalogue.catalog import Catalog
from simulator.errors import DataError
from simulator.log.history import History

logger = logging.getLogger(__name__)
Made = TypeVar("Made")


def learn(
    spec: CqsidSpec,
    catalog: Catalog,
    history: History,
    *,
    rng: np.random.Generator,
    made: Sequence[Synthetic] = (),
    workspace: Path | None = None,
    progress: Tell | None = None,
) -> Learned:
    """Train all parts: subwords and text vectors, ids, generator.

    Args:
        spec: settings.
        catalog: public columns of the items.
        history: a past log.
        rng: source of all randomness.
        made: pairs that the query stage learns from beside those of the log.
        workspace: folder in which finished parts and checkpoints are kept; a call with the same
            arguments continues there. None: nothing is kept.
        progress: told about every step of the generator's training.

    Raises:
        ConfigError: settings that do not fit the catalogue, or folders of models that hold none.
    """
    check_codes(spec.ids, len(catalog.categories))
    text_rng, ids_rng, seeds = rng.spawn(3)

    def read() -> tuple[Subwords, TextVectors]:
        return learn_texts(spec, catalog, history, rng=text_rng)

    subwords, vectors = _once(spec, workspace, "texts", read)
    signals = Signals.of(catalog, history, vectors)

    def identify() -> tuple[Scheme, SemanticIds]:
        scheme = build_scheme(spec.ids)
        return scheme, first_ids(scheme, signals, rng=ids_rng)

    scheme, ids = _once(spec, workspace, "ids", identify)
    return learn_generator(
        spec,
        catalog,
        history,
        (subwords, vectors, signals, scheme, ids),
        seed=int(seeds.integers(2**31)),
        made=made,
        workspace=workspace,
        progress=progress,
    )


def learn_texts(
    spec: CqsidSpec, catalog: Catalog, history: History, *, rng: np.random.Generator
) -> tuple[Subwords, TextVectors]:
    """Subword units of the catalogue's and the log's texts, and vectors of texts."""
    texts = catalog_texts(catalog)
    feedback = Feedback.of(history, order_weight=1.0)
    asked, text_F = np.unique(feedback.text_F, return_inverse=True)
    queries = [history.texts[text] for text in asked]
    subwords = backbone_subwords(spec.model)
    if subwords is None:
        subwords = Subwords.train([*texts, *queries], spec.text.subwords)
    pairs = Pairs(text_F.astype(np.int32), feedback.item_F)
    vectors = TextEncoder.fit(spec.text, texts, queries, pairs, subwords=subwords, rng=rng)
    return subwords, vectors


def learn_generator(
    spec: CqsidSpec,
    catalog: Catalog,
    history: History,
    tokenizer: tuple[Subwords, TextVectors, Signals, Scheme, SemanticIds],
    *,
    seed: int,
    made: Sequence[Synthetic] = (),
    workspace: Path | None = None,
    progress: Tell | None = None,
) -> Learned:
    """Train the language model on ids that are there.

    A query-only channel skips the stage that tells of the shopper.
    """
    subwords, vectors, signals, scheme, ids = tokenizer
    vocabulary = Vocabulary(len(subwords), ids.sizes)
    prompts = PromptBuilder(vocabulary, subwords, spec.prompt)
    related = RelatedCategories.of(signals.item_ID, signals.category_I, signals.categories)
    asked = np.unique(history.text_R)  # of many texts of a world nobody has asked most
    queries = [history.texts[text] for text in asked]
    related_TC = np.ones((len(history.texts), signals.categories + 1), np.bool_)
    related_TC[asked] = related.keep(vectors.queries(queries))
    data = TrainingData(
        history=history,
        ids=ids,
        titles=prompts.title_tokens(catalog_texts(catalog)),
        texts=prompts.query_tokens(queries).among(asked, len(history.texts)),
        prompts=prompts,
        related_TC=related_TC,
        category_I=catalog.category_I,
        made=tuple(_told(prompts, each) for each in made if len(each.text_P)),
        made_share=spec.augment_share,
    )
    training = spec.training
    if not spec.personalised:
        training = training.model_copy(update={"shopper": None})
    model = build_model(spec.model, vocabulary, seed=seed)
    report = train_generator(
        training,
        model,
        vocabulary,
        data,
        seed=seed,
        softmax=spec.model.softmax,
        device=spec.device,
        workspace=workspace,
        progress=progress,
    )
    for stage in report.stages:
        best = stage.best.hit_rates if stage.best is not None else ()
        rates = ", ".join(f"{rate:.3f}" for rate in best)
        logger.info(
            "stage %s %s, %.0f s, hit rates %s", stage.stage, stage.stopped, stage.seconds, rates
        )
    weights = Weights.of(model).detached()
    return Learned(
        vectors, signals, scheme, ids, prompts, related, weights, report, spec.model.softmax
    )


def _told(prompts: PromptBuilder, made: Synthetic) -> MadePairs:
    """Made pairs whose texts are subwords; texts without a known one teach nothing."""
    texts = prompts.query_tokens(made.texts)
    kept = np.flatnonzero(texts.lengths[made.text_P] > 0)
    weight_P = made.weight_P[kept].astype(np.float64)
    return MadePairs(texts, made.text_P[kept], made.item_P[kept], weight_P)


def _once(spec: CqsidSpec, workspace: Path | None, name: str, make: Callable[[], Made]) -> Made:
    """What an earlier, interrupted call made of it, or make it."""
    if workspace is None:
        return make()
    path = workspace / f"{name}.safetensors"
    try:
        found: Made = load(path, plug_in_roots(spec))
        return found
    except DataError as error:  # not there, or cut short
        logger.debug("%s is made anew: %r", path, error)
    made = make()
    workspace.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh:
        save(fresh, made, name, plug_in_roots(spec))
    return made
