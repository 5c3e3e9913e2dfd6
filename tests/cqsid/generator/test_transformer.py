import numpy as np
import pytest
import torch

from cqsid.generator.transformer import Weights, embed, forward
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from tests.cqsid.models import random_model


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


VOCABULARY = Vocabulary(20, (5, 4, 3))
KINDS = {
    "plain": {},
    "grouped heads": {"num_key_value_heads": 2},
    "untied head": {"tie_word_embeddings": False},
    "one layer, one key head": {"num_hidden_layers": 1, "num_key_value_heads": 1},
    "wide rotary base": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
}
kinds = pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)


def tokens(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, len(VOCABULARY), shape))


def causal(rows, length):
    return torch.ones(rows, length, length, dtype=torch.bool).tril()


def logits(weights, hidden):
    return hidden @ weights.head_VD.T


@kinds
def test_the_forward_pass_equals_the_library(changes):
    model, tokens_BT = random_model(VOCABULARY, **changes), tokens(3, 9)
    weights = Weights.of(model)
    position_BT = torch.arange(9).expand(3, 9)
    with torch.no_grad():
        hidden, past = forward(weights, embed(weights, tokens_BT), position_BT, causal(3, 9))
        expected = model(tokens_BT).logits
    torch.testing.assert_close(logits(weights, hidden), expected, rtol=1e-5, atol=1e-5)
    assert past[0][0].shape == (3, weights.kv_heads, 9, weights.head_size)


@kinds
def test_padding_on_the_right_changes_nothing(changes):
    model, tokens_BT = random_model(VOCABULARY, **changes), tokens(2, 8)
    weights = Weights.of(model)
    mask = causal(2, 8)
    mask[1, :, 5:] = False
    mask[1, 5:, 5:] = torch.eye(3, dtype=torch.bool)
    with torch.no_grad():
        hidden, _ = forward(weights, embed(weights, tokens_BT), torch.arange(8).expand(2, 8), mask)
        expected = model(tokens_BT[1:, :5]).logits
    found = logits(weights, hidden[1:, :5])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@kinds
@pytest.mark.parametrize("cached", [False, True])
def test_branches_behind_one_prompt_equal_their_sequences_alone(changes, cached):
    """Prompt p0 p1 p2, then the tree a(b, c), d(e): every leaf equals its own sequence."""
    model, row = random_model(VOCABULARY, **changes), tokens(1, 8)
    weights = Weights.of(model)
    parent = {3: 2, 4: 3, 5: 3, 6: 2, 7: 6}
    mask, position = causal(1, 8), torch.arange(8)[None].clone()
    for node, above in parent.items():
        mask[0, node] = mask[0, above]
        mask[0, node, node] = True
        position[0, node] = position[0, above] + 1
    hidden = embed(weights, row)
    with torch.no_grad():
        if cached:
            _, past = forward(weights, hidden[:, :3], position[:, :3], mask[:, :3, :3])
            found, _ = forward(weights, hidden[:, 3:], position[:, 3:], mask[:, 3:], past)
        else:
            found = forward(weights, hidden, position, mask)[0][:, 3:]
        for node in parent:
            alone = model(row[:, mask[0, node]]).logits[0, -1]
            branch = logits(weights, found)[0, node - 3]
            torch.testing.assert_close(branch, alone, rtol=1e-5, atol=1e-5)


@kinds
def test_gradients_reach_the_model_and_equal_the_library(changes):
    model, tokens_BT = random_model(VOCABULARY, **changes), tokens(2, 6)
    position_BT, target = torch.arange(6).expand(2, 6), tokens(2, 6, seed=1)
    found = []
    for ours in (True, False):
        model.zero_grad()
        weights = Weights.of(model)
        if ours:
            hidden, _ = forward(weights, embed(weights, tokens_BT), position_BT, causal(2, 6))
            scores = logits(weights, hidden)
        else:
            scores = model(tokens_BT).logits
        torch.nn.functional.cross_entropy(scores.flatten(0, 1), target.flatten()).backward()
        found.append({name: p.grad.clone() for name, p in model.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-4, atol=1e-6, msg=name)


def test_a_row_has_the_same_bits_alone_and_in_a_batch():
    model, tokens_BT = random_model(VOCABULARY), tokens(6, 8)
    weights, position_BT = Weights.of(model), torch.arange(8).expand(6, 8)
    with torch.no_grad():
        hidden = embed(weights, tokens_BT)
        together, _ = forward(weights, hidden, position_BT, causal(6, 8))
        for row in range(6):
            one = slice(row, row + 1)
            alone, _ = forward(weights, hidden[one], position_BT[one], causal(1, 8))
            assert torch.equal(alone, together[one])
