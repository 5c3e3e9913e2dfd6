import numpy as np
import pytest
import torch

from cqsid.alignment.policy import distributions, log_probabilities
from cqsid.decoding.trie import Trie
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from simulator.errors import ConfigError
from tests.cqsid.models import allowed, random_model, random_prompts, random_trie

VOCABULARY = Vocabulary(20, (5, 4, 3))
TRIE = random_trie((5, 4, 3), 20)
PROMPTS = random_prompts(VOCABULARY, 4, 7)  # of different lengths
KINDS = {
    "plain": {},
    "grouped heads": {"num_key_value_heads": 2, "num_hidden_layers": 1},
    "untied head": {"tie_word_embeddings": False},
}
SOFTMAXES = ["level", "full", "legal"]
softmaxes = pytest.mark.parametrize("softmax", SOFTMAXES)


@pytest.fixture(autouse=True)
def alone():
    with one_thread():
        yield


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def model(request):
    return random_model(VOCABULARY, **request.param)


@pytest.fixture
def codes_BGL():
    """Groups of six existing ids, the last of them there twice."""
    sid_BG = np.random.default_rng(3).integers(0, len(TRIE), (4, 6))
    sid_BG[:, 5] = sid_BG[:, 4]
    return TRIE.sids_SL[sid_BG]


def settings(softmax):
    return {"trie": TRIE} if softmax == "legal" else {"softmax": softmax}


def ours(model, codes_BGL, softmax, prompts=PROMPTS):
    return log_probabilities(Weights.of(model), VOCABULARY, prompts, codes_BGL, **settings(softmax))


def alone_KL(model, b, codes, softmax):
    """Log-probabilities of each code's rivals, one id in a row, by the library's own forward."""
    tokens = [*PROMPTS.tokens_BT[b, : PROMPTS.length_B[b]], *VOCABULARY.tokens(codes[None])[0]]
    logits_LV = model(torch.tensor(tokens)[None]).logits[0, -4:-1]
    found = []
    for level, (offset, size) in enumerate(zip(VOCABULARY.offset_L, VOCABULARY.sizes, strict=True)):
        logits_K = logits_LV[level, offset : offset + size]
        if softmax == "full":
            found.append(logits_K - logits_LV[level].logsumexp(0))
            continue
        legal_K = torch.full((size,), softmax == "level")
        legal_K[allowed(TRIE, codes[:level].tolist())] = True
        found.append(logits_K.masked_fill(~legal_K, -torch.inf).log_softmax(0))
    return found


def unpacked(model, codes_BGL, softmax):
    """(B, G, L) as `ours`, id by id."""
    rows = [
        [
            torch.stack([row[code] for row, code in zip(rivals, codes, strict=True)])
            for codes in group
            for rivals in [alone_KL(model, b, codes, softmax)]
        ]
        for b, group in enumerate(codes_BGL)
    ]
    return torch.stack([torch.stack(group) for group in rows])


@softmaxes
def test_packed_log_probabilities_and_gradients_equal_those_of_each_id_alone(
    model, codes_BGL, softmax
):
    push_BGL = torch.randn(codes_BGL.shape, generator=torch.Generator().manual_seed(0))
    found, expected = ours(model, codes_BGL, softmax).logp_BGL, unpacked(model, codes_BGL, softmax)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    parameters = list(model.parameters())
    pairs = [
        torch.autograd.grad((each * push_BGL).mean(), parameters) for each in (found, expected)
    ]
    for one, other in zip(*pairs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


@softmaxes
def test_entropies_are_those_of_the_codes_of_each_level(model, codes_BGL, softmax):
    found_BGL = ours(model, codes_BGL, softmax).entropy_BGL
    assert not found_BGL.requires_grad
    for (b, g), _ in np.ndenumerate(codes_BGL[..., 0]):
        for level, logp_K in enumerate(alone_KL(model, b, codes_BGL[b, g], softmax)):
            entropy = torch.distributions.Categorical(logits=logp_K.detach()).entropy()
            torch.testing.assert_close(found_BGL[b, g, level], entropy, rtol=0, atol=1e-5)


@softmaxes
def test_distributions_hold_every_code_along_the_ids(model, codes_BGL, softmax):
    found = distributions(Weights.of(model), VOCABULARY, PROMPTS, codes_BGL, **settings(softmax))
    assert [tuple(each.shape) for each in found] == [(4, 1, 5), (4, 6, 4), (4, 6, 3)]
    assert not any(each.requires_grad for each in found)
    for (b, g), _ in np.ndenumerate(codes_BGL[..., 0]):
        rivals = alone_KL(model, b, codes_BGL[b, g], softmax)
        for logp_BGK, logp_K in zip(found, rivals, strict=True):
            row_K = logp_BGK[b, g if logp_BGK.shape[1] > 1 else 0]
            torch.testing.assert_close(row_K, logp_K.detach(), rtol=0, atol=1e-5)


@softmaxes
def test_permuting_a_group_permutes_its_scores(model, codes_BGL, softmax):
    order = np.array([3, 5, 0, 4, 2, 1])
    one, other = (ours(model, each, softmax) for each in (codes_BGL, codes_BGL[:, order]))
    assert torch.equal(one.logp_BGL[:, order], other.logp_BGL)
    assert torch.equal(one.entropy_BGL[:, order], other.entropy_BGL)


@softmaxes
def test_company_and_padding_change_a_request_by_rounding_alone(model, codes_BGL, softmax):
    together = ours(model, codes_BGL, softmax).logp_BGL
    for b in range(4):
        one = slice(b, b + 1)
        single = ours(model, codes_BGL[one], softmax, PROMPTS.rows(one).trimmed()).logp_BGL
        torch.testing.assert_close(single, together[one], rtol=0, atol=1e-5)


@softmaxes
def test_without_gradients_the_scores_are_the_same(model, codes_BGL, softmax):
    found = ours(model, codes_BGL, softmax)
    with torch.no_grad():
        again = ours(model, codes_BGL, softmax)
    assert not again.logp_BGL.requires_grad
    torch.testing.assert_close(again.logp_BGL, found.logp_BGL.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(again.entropy_BGL, found.entropy_BGL, rtol=0, atol=1e-5)


def test_legal_probabilities_of_all_ids_that_exist_sum_to_one(model):
    codes_BGL = np.repeat(TRIE.sids_SL[None], 4, axis=0)
    total_B = ours(model, codes_BGL, "legal").logp_BGL.sum(2).exp().sum(1)
    torch.testing.assert_close(total_B, torch.ones(4), rtol=0, atol=1e-5)


def test_codes_that_do_not_exist_have_legal_probabilities_too(model):
    """After (0) follow 1 and 2; after (3) nothing, as no id begins so."""
    trie = Trie.of(np.array([[0, 1, 0], [0, 2, 1], [1, 0, 0]], np.int32), VOCABULARY.sizes)
    codes_BGL = np.repeat(np.array([[[0, 3, 2], [3, 1, 1]]], np.int32), 4, axis=0)
    weights = Weights.of(model)
    found = log_probabilities(weights, VOCABULARY, PROMPTS, codes_BGL, trie=trie)
    level = distributions(weights, VOCABULARY, PROMPTS, codes_BGL)
    first = [level[0][:, 0, [0, 1, 3]].log_softmax(-1)[:, 2], level[0][:, 0, [0, 1]].logsumexp(-1)]
    torch.testing.assert_close(found.logp_BGL[:, 1, 0], first[0], rtol=0, atol=1e-5)
    alone_B = level[0][:, 0, 0] - first[1]
    torch.testing.assert_close(found.logp_BGL[:, 0, 0], alone_B, rtol=0, atol=1e-5)
    second_B = level[1][:, 0, 1:].log_softmax(-1)[:, 2]  # code 3 beside 1 and 2
    torch.testing.assert_close(found.logp_BGL[:, 0, 1], second_B, rtol=0, atol=1e-5)
    for level_BGK, at in ((level[1], (1, 1)), (level[2], (0, 2)), (level[2], (1, 2))):
        code = codes_BGL[0, at[0], at[1]]
        expected_B = level_BGK[:, at[0], code]
        torch.testing.assert_close(found.logp_BGL[:, *at], expected_B, rtol=0, atol=1e-5)
    found.logp_BGL.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    model.zero_grad()


def test_ids_of_one_level_are_scored_from_the_prompt_alone():
    vocabulary = Vocabulary(20, (5,))
    model, prompts = random_model(vocabulary), random_prompts(vocabulary, 3, 4)
    codes_BGL = np.array([[[0], [4]]] * 3, np.int32)
    found = log_probabilities(Weights.of(model), vocabulary, prompts, codes_BGL)
    all_K = distributions(Weights.of(model), vocabulary, prompts, codes_BGL)[0][:, 0]
    torch.testing.assert_close(found.logp_BGL[..., 0].detach(), all_K[:, [0, 4]])


def test_an_unknown_softmax_is_refused(model, codes_BGL):
    with pytest.raises(ConfigError, match=r"softmax == 'legal', must be 'level' or 'full'"):
        log_probabilities(Weights.of(model), VOCABULARY, PROMPTS, codes_BGL, softmax="legal")
