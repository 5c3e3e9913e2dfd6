"""A toy shop for training: a few items, a log, and tokens that need no tokenizer."""

from dataclasses import replace

import numpy as np
import torch

from cqsid.generator.model import build_model
from cqsid.generator.prompts import PromptBuilder
from cqsid.generator.settings import ModelSpec, PromptSpec
from cqsid.generator.vocabulary import Vocabulary
from cqsid.tokenizer.ids import SemanticIds
from cqsid.training.examples import TrainingData
from cqsid.training.settings import StageSpec, TrainingSpec
from cqsid.training.stages import train_generator
from recall.arrays import Ragged
from recall.sampleshop import sample_catalog, sample_history

ITEMS, SUBWORDS = 24, 40
VOCABULARY = Vocabulary(SUBWORDS, (4, 3, 2))
MODEL = ModelSpec(hidden=32, heads=2, kv_heads=1, ffn=64)
QUICK = StageSpec(epochs=1.0, batch=32, evaluate_every=4, learning_rate=0.01)
SPEC = TrainingSpec(
    item=QUICK.model_copy(update={"epochs": 5.0}),
    query=QUICK.model_copy(update={"rehearsal": 0.5}),
    shopper=QUICK.model_copy(update={"rehearsal": 0.5}),
    held_out=0.2,
    held_out_most=20,
)


def toy_ids(missing=()):
    """Every item an id of its own, in the order of the items."""
    item_I = np.arange(ITEMS)
    codes_IL = np.stack([item_I // 6, item_I // 2 % 3, item_I % 2], axis=1).astype(np.int32)
    codes_IL[list(missing)] = -1
    return SemanticIds(codes_IL, VOCABULARY.sizes)


def toy_data(n_requests=150, *, missing=()):
    """Titles of two subwords that name the item; texts of one to three subwords."""
    history = sample_history(sample_catalog(ITEMS), n_requests)
    texts = [[n % SUBWORDS, *[7] * (n % 3)] for n in range(len(history.texts))]
    return TrainingData(
        history=history,
        ids=toy_ids(missing),
        titles=Ragged.of([[item // 5, 10 + item % 5] for item in range(ITEMS)]),
        texts=Ragged.of(texts),
        prompts=PromptBuilder(VOCABULARY, range(SUBWORDS), PromptSpec(clicks=2)),
    )


def toy_model(seed=0):
    return build_model(MODEL, VOCABULARY, seed=seed)


def trained(data=None, spec=SPEC, seed=1, **options):
    """Weights by name, and the report."""
    model, data = toy_model(), data or toy_data()
    report = train_generator(spec, model, VOCABULARY, data, seed=seed, device="cpu", **options)
    return {name: p.detach().clone() for name, p in model.named_parameters()}, report


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def timeless(report):
    return [replace(stage, seconds=0.0) for stage in report.stages]


def with_clicks(data, item_of_text):
    """The same log in which every text leads to one item only."""
    history = data.history
    item_T = np.asarray(item_of_text, np.int32)
    changed = replace(
        history,
        item_X=item_T[history.text_R[history.row_X]],
        order_item_O=item_T[history.text_R[history.order_row_O]],
    )
    return replace(data, history=changed)
