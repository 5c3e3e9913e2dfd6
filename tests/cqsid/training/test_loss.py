import numpy as np
import pytest
import torch

from cqsid.generator.model import build_model
from cqsid.generator.prompts import Prompts
from cqsid.generator.settings import ModelSpec
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.training.loss import Batch, answer_loss

VOCABULARY = Vocabulary(20, (4, 3, 5))
SPEC = ModelSpec(hidden=16, heads=2, kv_heads=1, ffn=24)
CODES_BL = np.array([[1, 2, 4], [3, 0, 0], [0, 1, 2], [2, 2, 3]], np.int32)


def prompts(extra=0):
    """Four prompts of two to seven tokens, padded to seven and `extra` more columns."""
    rng, length_B = np.random.default_rng(1), np.array([7, 2, 4, 7])
    tokens_BT = np.pad(rng.integers(0, 20, (4, 7)).astype(np.int32), ((0, 0), (0, extra)))
    tokens_BT[np.arange(7 + extra) >= length_B[:, None]] = VOCABULARY.pad
    tokens_BT[np.arange(4), length_B - 1] = VOCABULARY.answer
    return Prompts(tokens_BT, length_B)


def rows_with_answers(batch_of):
    """Each prompt with all of its answer, unpadded."""
    answer_BL = VOCABULARY.tokens(CODES_BL)
    return [
        np.concatenate([tokens[:length], answer]).astype(np.int64)
        for tokens, length, answer in zip(
            batch_of.tokens_BT, batch_of.length_B, answer_BL, strict=True
        )
    ]


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def model(request):
    return build_model(
        SPEC.model_copy(update={"tie_embeddings": request.param}), VOCABULARY, seed=3
    )


def ours(model, softmax, asked=None):
    batch = Batch.of(asked or prompts(), CODES_BL, VOCABULARY)
    return answer_loss(Weights.of(model), VOCABULARY, batch, softmax)


def test_the_full_loss_equals_that_of_transformers_with_labels_on_the_answer_only(model):
    rows, width = rows_with_answers(prompts()), 10
    tokens = torch.full((4, width), VOCABULARY.pad)
    labels, seen = torch.full((4, width), -100), torch.zeros((4, width), dtype=torch.int64)
    for b, row in enumerate(rows):
        tokens[b, : len(row)] = torch.from_numpy(row)
        labels[b, len(row) - 3 : len(row)] = torch.from_numpy(row[-3:])
        seen[b, : len(row)] = 1
    expected = model(input_ids=tokens, attention_mask=seen, labels=labels).loss
    assert ours(model, "full").item() == pytest.approx(expected.item(), abs=1e-5)


def test_the_level_loss_is_the_mean_over_codes_of_a_softmax_over_their_level(model):
    total = 0.0
    for row, codes in zip(rows_with_answers(prompts()), CODES_BL, strict=True):
        logits_TV = model(torch.from_numpy(row)[None]).logits[0].detach().double().numpy()
        for level, code in enumerate(codes):
            offset = VOCABULARY.offset_L[level]
            logits_K = logits_TV[len(row) - 4 + level, offset : offset + VOCABULARY.sizes[level]]
            total += np.log(np.exp(logits_K).sum()) - logits_K[code]
    assert ours(model, "level").item() == pytest.approx(total / CODES_BL.size, abs=1e-5)


@pytest.mark.parametrize("softmax", ["level", "full"])
def test_gradients_equal_those_of_transformers(model, softmax):
    loss = torch.zeros(())
    for row, codes in zip(rows_with_answers(prompts()), CODES_BL, strict=True):
        logits_LV = model(torch.from_numpy(row)[None]).logits[0, -4:-1]
        for level, code in enumerate(codes):
            offset = int(VOCABULARY.offset_L[level])
            part = slice(offset, offset + VOCABULARY.sizes[level])
            among = logits_LV[level] if softmax == "full" else logits_LV[level, part]
            target = int(code) + (offset if softmax == "full" else 0)
            loss = loss - among.log_softmax(0)[target] / CODES_BL.size
    parameters = list(model.parameters())
    expected = torch.autograd.grad(loss, parameters)
    found = torch.autograd.grad(ours(model, softmax), parameters)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("softmax", ["level", "full"])
def test_padding_changes_no_bit_of_the_loss(model, softmax):
    assert ours(model, softmax).item() == ours(model, softmax, prompts(extra=9)).item()


def test_an_id_of_one_level_is_predicted_from_the_prompt_alone():
    vocabulary = Vocabulary(20, (4,))
    asked = Prompts(np.full((2, 3), vocabulary.answer, np.int32), np.array([3, 3]))
    batch = Batch.of(asked, np.array([[1], [3]], np.int32), vocabulary)
    assert batch.tokens_BT.tolist() == asked.tokens_BT.tolist()
    model = build_model(SPEC, vocabulary, seed=0)
    assert answer_loss(Weights.of(model), vocabulary, batch).item() == pytest.approx(
        np.log(4), abs=0.2
    )
