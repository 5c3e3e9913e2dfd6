"""Alignments so small that they take a second."""

from functools import cache

import numpy as np

from cqsid.alignment.settings import AlgorithmSpec, AlignmentSpec, StopSpec
from cqsid.alignment.trainer import Alignment, align
from cqsid.decoding.shelves import Shelves, item_values
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.logged import Logged
from cqsid.rewards.registry import RewardMix, build_mix
from cqsid.rewards.shop import Shop
from cqsid.rewards.trl import from_trl
from cqsid.tokenizer.signals import catalog_texts
from ranking.examples import history_index
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import SMALL, fitted_channel

UNLIMITED = StopSpec(recall_drop=1.0, kl=1e9)  # a handful of requests would end any training
STEPS = AlignmentSpec(
    stop=UNLIMITED,
    steps=6,
    batch=8,
    evaluate_every=3,
    beam=20,
    checkpoint_steps=2,
    learning_rate=1e-3,
    warmup=0,
)
LOG = {"type": "log"}
CODE = 1
LIKED = {"type": "custom", "object": "tests.cqsid.alignment.aligned:likes_one_code"}

TALKING = {"type": "custom", "object": "tests.cqsid.alignment.aligned:talks"}


def talks(logged, samples, shop):
    """A reward written for TRL, which logs."""

    def function(completions, log_metric, log_extra, **_):
        log_metric("asked", len(completions))
        log_extra("liked", [n % 2 for n in range(len(completions))])
        return [0.0] * len(completions)

    return from_trl(function, Vocabulary(20, shop.ids.sizes))(logged, samples, shop)


def likes_one_code(logged, samples, shop):
    """A reward that can be learned: ids that begin with one code."""
    return (samples.codes_BGL[..., 0] == CODE).astype(np.float32)


@cache
def setting():
    """A trained system of the tiny shop, the shop, and requests to learn from and to validate."""
    catalog, history = tiny_shop()
    learned = fitted_channel().learned
    index = history_index(catalog, history)
    values_I = item_values(SMALL.serving.shelves, index.statistics[0], catalog.created_at_I)
    shop = Shop(
        catalog,
        learned.ids,
        Shelves.of(learned.ids, values_I),
        index,
        learned.vectors,
        learned.vectors.items(catalog_texts(catalog)),
    )
    clicked = np.unique(history.row_X[history.clicked_X]).astype(np.int64)
    return learned, shop, Logged.of(history, clicked[:-20]), Logged.of(history, clicked[-20:])


def aligned(algorithm=None, spec=None, rewards=(LOG,), seed=0, **options) -> Alignment:
    """An alignment of the small system; every part can be replaced."""
    learned, shop, train, held = setting()
    shop = options.pop("shop", shop)
    mix = build_mix(RewardMix(components=rewards), shop)
    return align(
        spec or STEPS,
        algorithm or AlgorithmSpec(preset="eg_grpo"),
        options.pop("learned", learned),
        options.pop("train", train),
        options.pop("held", held),
        mix,
        shop,
        seed=seed,
        device="cpu",
        **options,
    )


def numbers(alignment: Alignment) -> np.ndarray:
    """All weights in one row."""
    weights = alignment.weights
    parts = [weights.embedding_VD, weights.norm]
    parts += [getattr(layer, name) for layer in weights.layers for name in ("qkv", "out", "down")]
    return np.concatenate([part.numpy().ravel() for part in parts])
