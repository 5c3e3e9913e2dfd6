"""Whole uses of the kernels on every way that this processor can go, beside plain torch."""

import numpy as np
import pytest
import torch

from cqsid.alignment.policy import log_probabilities
from cqsid.alignment.sampling import sample
from cqsid.decoding.decoder import Decoder
from cqsid.generator.transformer import Weights
from cqsid.tokenizer.quantize.residual import ResidualQuantizer
from cqsid.training.loss import Batch, answer_loss
from recall.device import one_thread
from tests.cqsid.decoders import model_of, small
from tests.cqsid.kernels.sets import every_set, go
from tests.cqsid.models import random_prompts
from tests.cqsid.tokenizer.quantize.restored import vectors_of

softmaxes = pytest.mark.parametrize("softmax", ["level", "full"])
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


@every_set
@softmaxes
@pytest.mark.parametrize("kind", ["plain", "grouped heads", "three layers"])
def test_a_decode_finds_what_it_finds_by_plain_torch(softmax, kind, instructions, monkeypatch):
    found = []
    for each in ("torch", instructions):
        go(monkeypatch, each)
        vocabulary, _, decoder = small(softmax=softmax, kind=kind)
        found.append(decoder.decode(random_prompts(vocabulary, 70, 23), 12))
    np.testing.assert_array_equal(found[0].sid_BN, found[1].sid_BN)
    np.testing.assert_allclose(found[0].scores_BN, found[1].scores_BN, rtol=1e-5, atol=1e-5)


@every_set
@softmaxes
def test_a_prompt_gets_the_same_bits_alone_and_in_company(softmax, instructions, monkeypatch):
    go(monkeypatch, instructions)
    vocabulary, trie, _ = small()
    decoder = Decoder(Weights.of(model_of(3)[1]), vocabulary, trie, softmax=softmax)
    prompts = random_prompts(vocabulary, 70, 23)
    together = decoder.decode(prompts, 20)
    for row in (0, 1, 63, 64, 69):
        alone = decoder.decode(prompts.rows(slice(row, row + 1)), 20)
        np.testing.assert_array_equal(alone.sid_BN[0], together.sid_BN[row])
        np.testing.assert_array_equal(alone.scores_BN[0], together.scores_BN[row])


def gradients(model, loss):
    """A step's loss and the gradients of all parameters."""
    return [loss.detach(), *torch.autograd.grad(loss, list(model.parameters()))]


@every_set
@softmaxes
def test_a_training_step_computes_what_plain_torch_computes(softmax, instructions, monkeypatch):
    vocabulary, model = model_of(3)
    prompts, rng = random_prompts(vocabulary, 40, 17), np.random.default_rng(0)
    codes_BL = np.stack([rng.integers(0, size, 40) for size in vocabulary.sizes], 1)
    batch, found = Batch.of(prompts, codes_BL.astype(np.int32), vocabulary), []
    for each in ("torch", instructions):
        go(monkeypatch, each)
        loss = answer_loss(Weights.of(model), vocabulary, batch, softmax)
        found.append(gradients(model, loss))
    for plain, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, **CLOSE)


@every_set
@softmaxes
def test_a_step_of_alignment_computes_what_plain_torch_computes(softmax, instructions, monkeypatch):
    vocabulary, model = model_of(3)
    _, trie, _ = small()
    prompts, found, drawn = random_prompts(vocabulary, 9, 12), [], []
    for each in ("torch", instructions):
        go(monkeypatch, each)
        weights = Weights.of(model)
        drawn.append(
            sample(weights, vocabulary, trie, prompts, 8, rng=np.random.default_rng(0)).codes_BGL
        )
        scores = (weights, vocabulary, prompts, drawn[0])
        loss = log_probabilities(*scores, softmax=softmax).logp_BGL.square().mean()
        with torch.no_grad():
            read = log_probabilities(*scores, softmax=softmax).logp_BGL
        found.append([read, *gradients(model, loss)])
    np.testing.assert_array_equal(*drawn)
    for plain, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, **CLOSE)


@every_set
def test_codes_and_codebooks_of_a_quantizer_are_the_same_to_the_bit(instructions, monkeypatch):
    x_ND, found = np.random.default_rng(0).normal(size=(900, 30)).astype(np.float32), []
    for each in ("torch", instructions):
        go(monkeypatch, each)
        quantizer = ResidualQuantizer()
        quantizer.fit(x_ND, (12, 12, 12), rng=np.random.default_rng(1))
        found.append((vectors_of(quantizer.books), quantizer.books.price_K, quantizer.encode(x_ND)))
    for plain, ours in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, plain)
