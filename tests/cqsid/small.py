"""A CQ-SID so small that it trains in a second or two."""

from functools import cache

import numpy as np

from cqsid.channel import CqsidChannel
from cqsid.generator.settings import ModelSpec, TextSpec
from cqsid.settings import CqsidSpec, ServingSpec
from cqsid.tokenizer.schemes.settings import GuidedSpec, IdsSpec
from cqsid.training.settings import StageSpec, TrainingSpec
from recall.storage import saved_copy
from tests.cqsid.shop import tiny_shop

SMALL = CqsidSpec(
    device="cpu",
    text=TextSpec(subwords=120, dimensions=16, hidden=16, epochs=2),
    ids=IdsSpec(rqvae=GuidedSpec(epochs=4, latent=8, hidden=16)),
    model=ModelSpec(hidden=32, heads=2, kv_heads=1, layers=1, ffn=32),
    training=TrainingSpec(
        item=StageSpec(epochs=2, batch=16),
        query=StageSpec(epochs=1, batch=32),
        shopper=StageSpec(epochs=1, batch=32),
        held_out=0.1,
    ),
    serving=ServingSpec(beams=8),
)


def small_spec(**changes) -> CqsidSpec:
    """The small settings with some of the channel's own changed."""
    return SMALL.model_copy(update=changes)


@cache
def _fitted(personalised: bool) -> CqsidChannel:
    catalog, history = tiny_shop()
    channel = CqsidChannel(small_spec(personalised=personalised))
    channel.fit(catalog, history, rng=np.random.default_rng(3))
    return channel


def fitted_channel(*, personalised: bool = True) -> CqsidChannel:
    """A trained channel of the tiny shop; each call gives one of its own."""
    return saved_copy(_fitted(personalised))
