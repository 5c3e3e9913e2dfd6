from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from cqsid.decoding.decoder import Decoder
from cqsid.decoding.scores import Scores
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights, embed, forward
from recall.device import one_thread
from tests.cqsid.decoders import SIZES, model_of, path_scores, prompt_of, small
from tests.cqsid.models import random_prompts, random_trie


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


levels = pytest.mark.parametrize("levels", SIZES)
softmaxes = pytest.mark.parametrize("softmax", ["level", "full"])


def reference(scores_SL, sids_SL, widths):
    """A beam search in plain Python over the known scores of all prefixes."""
    kept = [()]
    for level, width in enumerate(widths):
        children = {}
        for row, sid in enumerate(sids_SL.tolist()):
            if tuple(sid[:level]) in kept:
                children[tuple(sid[: level + 1])] = float(scores_SL[row, level])
        kept = sorted(children, key=lambda prefix: (-children[prefix], prefix))[:width]
    rows = {tuple(sid): row for row, sid in enumerate(sids_SL.tolist())}
    return [rows[prefix] for prefix in kept]


@levels
@softmaxes
@pytest.mark.parametrize("beams", [1, 3, 10, (5, 9, 2, 4)])
def test_narrow_beams_equal_a_plain_beam_search(levels, softmax, beams):
    vocabulary, trie, decoder = small(levels, softmax=softmax)
    prompts = random_prompts(vocabulary, 4, 9, seed=3)
    widths = (beams,) * levels if isinstance(beams, int) else beams[:levels]
    found = decoder.decode(prompts, beams if isinstance(beams, int) else widths)
    assert found.sid_BN.shape == (4, widths[-1])
    for row in range(4):
        scores_SL = path_scores(levels, prompt_of(prompts, row), trie.sids_SL, softmax)
        expected = reference(scores_SL, trie.sids_SL, widths)
        assert found.sid_BN[row][found.sid_BN[row] >= 0].tolist() == expected


@settings(max_examples=40)
@given(
    keys=st.sets(st.integers(0, 119), min_size=1),
    beams=st.integers(1, 30),
    seed=st.integers(0, 2**16),
    softmax=st.sampled_from(["level", "full"]),
)
def test_every_answer_exists_once_in_order_and_no_row_is_padded_too_early(
    keys, beams, seed, softmax
):
    vocabulary, model = model_of(3)
    trie = random_trie(SIZES[3], len(keys), seed)
    decoder = Decoder(Weights.of(model), vocabulary, trie, softmax=softmax)
    found = decoder.decode(random_prompts(vocabulary, 3, 5, seed), beams)
    for sid_N, scores_N in zip(found.sid_BN, found.scores_BN, strict=True):
        held = sid_N >= 0
        assert ((sid_N[held] >= 0) & (sid_N[held] < len(trie))).all()
        assert len(set(sid_N[held].tolist())) == held.sum() == min(beams, len(trie))
        assert held.tolist() == sorted(held.tolist(), reverse=True)
        assert np.isfinite(scores_N[held]).all()
        assert (scores_N[~held] == -np.inf).all()
        for (score, sid), (later, after) in pairwise(zip(scores_N[held], sid_N[held], strict=True)):
            assert score > later or (score == later and sid < after)


def test_a_prefix_with_fewer_children_than_beams_adds_no_path_that_does_not_exist():
    vocabulary, model = model_of(3)
    trie = Trie.of(np.array([[0, 0, 0], [5, 4, 3]], np.int32), SIZES[3])
    decoder = Decoder(Weights.of(model), vocabulary, trie)
    found = decoder.decode(random_prompts(vocabulary, 2, 4), 6)
    assert np.sort(found.sid_BN, axis=1).tolist() == [[-1, -1, -1, -1, 0, 1]] * 2
    assert (found.scores_BN[:, 2:] == -np.inf).all()


@softmaxes
@pytest.mark.parametrize("scale", [1.0, 6.0])
@pytest.mark.parametrize("kind", ["plain", "grouped heads"])
def test_a_prompt_gets_the_same_bits_alone_and_in_any_company(softmax, scale, kind):
    vocabulary, trie, _ = small(kind=kind)
    weights = Weights.of(model_of(3, kind=kind)[1])
    sharp = replace(weights, norm=weights.norm * scale)
    decoder = Decoder(sharp, vocabulary, trie, softmax=softmax)
    prompts = random_prompts(vocabulary, 150, 23)
    together = decoder.decode(prompts, 20)
    for row in (0, 1, 63, 64, 149):
        length = prompts.length_B[row : row + 1]
        alone = Prompts(prompts.tokens_BT[row : row + 1, : length[0]], length)
        for batch in (prompts.rows(slice(row, row + 1)), alone):
            found = decoder.decode(batch, 20)
            np.testing.assert_array_equal(found.sid_BN[0], together.sid_BN[row])
            np.testing.assert_array_equal(found.scores_BN[0], together.scores_BN[row])
    backwards = decoder.decode(prompts.rows(np.arange(150)[::-1]), 20)
    np.testing.assert_array_equal(backwards.scores_BN[::-1], together.scores_BN)


def test_an_answer_does_not_depend_on_the_number_of_threads():
    vocabulary, _, decoder = small()
    prompts, before, found = random_prompts(vocabulary, 70, 12), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(decoder.decode(prompts, 20).scores_BN)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("beams", [4, 1000])
def test_equal_scores_go_to_the_lower_id(beams):
    vocabulary, model = model_of(3)
    weights = Weights.of(model)
    even = replace(weights, head_VD=torch.zeros_like(weights.head_VD))
    trie = random_trie(SIZES[3], 60)
    found = Decoder(even, vocabulary, trie).decode(random_prompts(vocabulary, 3, 6), beams)
    expected = np.arange(min(beams, 60))
    assert (found.sid_BN[:, : len(expected)] == expected).all()
    np.testing.assert_allclose(found.scores_BN[:, 0], -np.log(np.prod(SIZES[3])), rtol=1e-6)


def test_a_beam_left_unexpanded_could_not_have_changed_the_answer(monkeypatch):
    vocabulary, trie, _ = small(n_ids=110)
    weights = Weights.of(model_of(3)[1])
    decoder = Decoder(replace(weights, norm=weights.norm * 3), vocabulary, trie)
    prompts = random_prompts(vocabulary, 40, 9)
    grown, plain_grow = [], decoder._branches.grow

    def counted(context, row_A, path_AE, code_A, *, keep):
        grown.append(len(row_A))
        return plain_grow(context, row_A, path_AE, code_A, keep=keep)

    monkeypatch.setattr(decoder._branches, "grow", counted)
    monkeypatch.setattr("cqsid.decoding.beamsearch._SLICE", 1)
    few = decoder.decode(prompts, (6, 12, 12))
    spared = sum(grown)
    grown.clear()
    monkeypatch.setattr("cqsid.decoding.beamsearch._SLICE", 1000)
    every = decoder.decode(prompts, (6, 12, 12))
    assert spared < 0.8 * sum(grown)
    np.testing.assert_array_equal(few.sid_BN, every.sid_BN)
    np.testing.assert_allclose(few.scores_BN, every.scores_BN, rtol=1e-5)


def test_a_beam_left_without_its_norm_could_not_have_changed_the_answer(monkeypatch):
    vocabulary, trie, _ = small(n_ids=110)
    weights = Weights.of(model_of(3)[1])
    prompts, found, normed = random_prompts(vocabulary, 40, 9), [], []
    plain_norm = Scores.norm

    def counted(*arguments):
        some, norm_S = plain_norm(*arguments)
        normed[-1] += len(some)
        return some, norm_S

    monkeypatch.setattr(Scores, "norm", counted)
    monkeypatch.setattr("cqsid.decoding.beamsearch._SLICE", 2)
    for slack in (np.float32(1e-3), np.float32(1e9)):
        monkeypatch.setattr("cqsid.decoding.scores._SLACK", slack)
        normed.append(0)
        found.append(
            Decoder(weights, vocabulary, trie, softmax="full").decode(prompts, (6, 12, 12))
        )
    assert normed[0] < 0.9 * normed[1]
    np.testing.assert_array_equal(found[0].sid_BN, found[1].sid_BN)
    np.testing.assert_array_equal(found[0].scores_BN, found[1].scores_BN)


def test_two_searches_at_a_time_do_not_share_memory():
    vocabulary, _, decoder = small()
    prompts = random_prompts(vocabulary, 60, 9)
    expected = decoder.decode(prompts, 9)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: decoder.decode(prompts, 9), range(8)))
    for one in found:
        np.testing.assert_array_equal(one.scores_BN, expected.scores_BN)


def test_branches_compute_what_the_forward_pass_computes():
    vocabulary, _, decoder = small()
    weights, prompts = Weights.of(model_of(3)[1]), random_prompts(vocabulary, 1, 6, shortest=6)
    tokens = prompt_of(prompts, 0)
    mask = torch.ones(1, 6, 6, dtype=torch.bool).tril()
    with torch.inference_mode():
        expected, _ = forward(weights, embed(weights, tokens), torch.arange(6)[None], mask)
        found, _ = decoder._branches.read(prompts, 0, 0)
    torch.testing.assert_close(found[0], expected[0, -1], rtol=1e-5, atol=1e-5)
