import numpy as np
import pytest
import torch

from cqsid.decoding.scores import Scores
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from tests.cqsid.models import random_model


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


@torch.inference_mode()
def scored(softmax, *, subwords=30, sizes=(20, 9, 17), spread=1.0):
    """Norms of every level by us and by torch, their bounds, and norms of the codes alone."""
    vocabulary = Vocabulary(subwords, sizes)
    weights = Weights.of(random_model(vocabulary))
    hidden_AD = torch.randn(40, 32, generator=torch.Generator().manual_seed(0)) * spread
    scores = Scores(weights, vocabulary, softmax)
    logits_AV = (hidden_AD @ weights.head_VD.T).double()
    for level, size in enumerate(vocabulary.sizes):
        first = int(vocabulary.offset_L[level])
        part_AK = logits_AV[:, first : first + size]
        found_AK, codes = scores.of(hidden_AD, level)
        np.testing.assert_allclose(found_AK, part_AK, rtol=1e-5, atol=1e-5 * spread)
        codes_A = codes.log()
        least_A = scores.least(hidden_AD, codes, level) if scores.bounded else None
        _, norm_A = scores.norm(hidden_AD, codes, level)
        wanted = part_AK if softmax == "level" else logits_AV
        yield norm_A, wanted.logsumexp(1).numpy(), least_A, codes_A


@pytest.mark.parametrize("softmax", ["level", "full"])
@pytest.mark.parametrize(("rows", "tokens"), [(192, 2048), (7, 16), (192, 43), (192, 44)])
def test_norms_are_the_partitions_of_all_tokens_or_the_level(softmax, rows, tokens, monkeypatch):
    monkeypatch.setattr("cqsid.decoding.scores._ROWS", rows)
    monkeypatch.setattr("cqsid.decoding.scores._TOKENS", tokens)
    for norm_A, expected_A, *_ in scored(softmax):
        np.testing.assert_allclose(norm_A, expected_A, rtol=1e-5)


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 1000.0])
def test_a_bound_is_never_above_the_norm_and_close_where_the_codes_hold_the_mass(spread):
    for norm_A, _, least_A, codes_A in scored("full", spread=spread):
        assert (least_A < norm_A).all()
        sure_A = (norm_A - codes_A < 1e-3) | (spread == 0)
        close_A = norm_A - least_A < 2e-3 * (1 + np.abs(norm_A)) + 1e-3
        assert close_A[sure_A].all()
        assert sure_A.any() or spread < 30


def test_one_level_alone_has_the_texts_as_its_rest(monkeypatch):
    monkeypatch.setattr("cqsid.decoding.scores._TOKENS", 44)
    for norm_A, expected_A, *_ in scored("full", subwords=30, sizes=(9,)):
        np.testing.assert_allclose(norm_A, expected_A, rtol=1e-5)


@torch.inference_mode()
def test_beams_that_are_not_wanted_are_left_out_and_the_others_keep_their_norms(monkeypatch):
    monkeypatch.setattr("cqsid.decoding.scores._TOKENS", 10)
    vocabulary = Vocabulary(30, (20, 9, 17))
    scores = Scores(Weights.of(random_model(vocabulary)), vocabulary, "full")
    hidden_AD, asked = torch.randn(40, 32, generator=torch.Generator().manual_seed(0)), []
    _, codes = scores.of(hidden_AD, 1)
    _, norm_A = scores.norm(hidden_AD, codes.rows(np.arange(40)), 1)
    first_A = scores.least(hidden_AD, codes, 1)

    def wanted(some, least_S):
        asked.append(some)
        assert (least_S < norm_A[some]).all()
        assert len(asked) == 1 or (least_S > first_A[some] - 1e-2).all()
        return some % 7 != len(asked)

    some, found_S = scores.norm(hidden_AD, codes, 1, wanted)
    assert len(asked) > 3
    assert some.tolist() == [a for a in range(40) if not 0 < a % 7 <= len(asked)]
    np.testing.assert_array_equal(found_S, norm_A[some])
