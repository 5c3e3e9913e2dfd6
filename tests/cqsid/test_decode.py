import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cqsid.attention import _attend_anywhere, _remember_anywhere
from cqsid.decode import Decoder
from cqsid.prompts import Prompts
from cqsid.scores import Scores
from cqsid.transformer import Weights, embed, forward
from cqsid.trie import Trie
from cqsid.vocabulary import Vocabulary
from recall.device import one_thread
from simulator.errors import ConfigError, ContractError, DataError
from tests.cqsid.models import random_model, random_prompts, random_trie


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


SIZES = {2: (7, 6), 3: (6, 5, 4), 4: (4, 3, 3, 5)}
N_IDS = {2: 25, 3: 60, 4: 90}
KINDS = {
    "plain": {},
    "grouped heads": {"num_key_value_heads": 2},
    "untied head": {"tie_word_embeddings": False},
    "three layers": {"num_hidden_layers": 3},
    "one layer": {"num_hidden_layers": 1},
}
levels = pytest.mark.parametrize("levels", SIZES)
softmaxes = pytest.mark.parametrize("softmax", ["level", "full"])


@cache
def model_of(levels, seed=0, kind="plain"):
    vocabulary = Vocabulary(30, SIZES[levels])
    return vocabulary, random_model(vocabulary, seed, **KINDS[kind])


def small(levels=3, seed=0, softmax="level", kind="plain", n_ids=None):
    vocabulary, model = model_of(levels, seed, kind)
    trie = random_trie(SIZES[levels], n_ids or N_IDS[levels], seed)
    return vocabulary, trie, Decoder(Weights.of(model), vocabulary, trie, softmax=softmax)


def path_scores(levels, prompt, sids_SL, softmax, seed=0, kind="plain"):
    """(S, L) log-probability of every prefix of some ids, by the library's own forward."""
    vocabulary, model = model_of(levels, seed, kind)
    codes = torch.from_numpy(vocabulary.tokens(sids_SL)).long()
    with torch.inference_mode():
        rows = torch.cat([prompt.expand(len(codes), -1), codes], dim=1)
        logits = model(rows).logits[:, len(prompt[0]) - 1 : -1]
    steps = []
    for level, size in enumerate(vocabulary.sizes):
        first = int(vocabulary.offset_L[level])
        part = logits[:, level]
        if softmax == "level":
            part = part[:, first : first + size]
            steps.append(part.log_softmax(-1).gather(1, codes[:, level : level + 1] - first))
        else:
            steps.append(part.log_softmax(-1).gather(1, codes[:, level : level + 1]))
    return torch.cat(steps, dim=1).cumsum(1).numpy()


def prompt_of(prompts, row):
    return torch.from_numpy(prompts.tokens_BT[row : row + 1, : prompts.length_B[row]]).long()


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
@pytest.mark.parametrize("kind", KINDS)
def test_beams_as_wide_as_the_trie_find_the_exact_best_of_all_ids(levels, softmax, kind):
    vocabulary, trie, decoder = small(levels, softmax=softmax, kind=kind)
    prompts = random_prompts(vocabulary, 4, 11)
    found = decoder.decode(prompts, len(trie))
    for row in range(4):
        prompt = prompt_of(prompts, row)
        scores_S = path_scores(levels, prompt, trie.sids_SL, softmax, kind=kind)[:, -1]
        order = np.lexsort((np.arange(len(trie)), -scores_S))
        assert found.sid_BN[row].tolist() == order.tolist()
        np.testing.assert_allclose(found.scores_BN[row], scores_S[order], atol=1e-5, rtol=1e-5)


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


@levels
@pytest.mark.parametrize("seed", range(4))
def test_sequences_scores_and_order_equal_the_library(levels, seed):
    vocabulary, trie, decoder = small(levels, seed, "full", n_ids=40 if levels > 2 else 30)
    _, model = model_of(levels, seed)
    prompts = random_prompts(vocabulary, 2, 8, seed=seed)
    found = decoder.decode(prompts, 10)
    for row in range(2):
        prompt = prompt_of(prompts, row)

        def allowed(_, tokens, start=prompt.shape[1]):
            codes = tokens[start:].numpy() - vocabulary.offset_L[: len(tokens) - start]
            return (trie.allowed(codes) + vocabulary.offset_L[len(codes)]).tolist()

        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            num_beams=10,
            num_return_sequences=10,
            max_new_tokens=levels,
            do_sample=False,
            length_penalty=0.0,
            prefix_allowed_tokens_fn=allowed,
            return_dict_in_generate=True,
            output_scores=True,
        )
        ours = vocabulary.tokens(trie.sids_SL[found.sid_BN[row]])
        assert ours.tolist() == out.sequences[:, prompt.shape[1] :].tolist()
        scores = out.sequences_scores.numpy()
        np.testing.assert_allclose(found.scores_BN[row], scores, atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
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
    monkeypatch.setattr("cqsid.search._SLICE", 1)
    few = decoder.decode(prompts, (6, 12, 12))
    spared = sum(grown)
    grown.clear()
    monkeypatch.setattr("cqsid.search._SLICE", 1000)
    every = decoder.decode(prompts, (6, 12, 12))
    assert spared < 0.8 * sum(grown)
    np.testing.assert_array_equal(few.sid_BN, every.sid_BN)
    np.testing.assert_allclose(few.scores_BN, every.scores_BN, rtol=1e-5)


def test_a_beam_left_without_its_norm_could_not_have_changed_the_answer(monkeypatch):
    vocabulary, trie, _ = small(n_ids=110)
    weights = Weights.of(model_of(3)[1])
    prompts, found, normed = random_prompts(vocabulary, 40, 9), [], []
    plain_norm = Scores.norm

    def counted(scores, hidden_AD, codes, level):
        normed[-1] += len(hidden_AD)
        return plain_norm(scores, hidden_AD, codes, level)

    monkeypatch.setattr(Scores, "norm", counted)
    monkeypatch.setattr("cqsid.search._SLICE", 2)
    for slack in (np.float32(1e-3), np.float32(1e9)):
        monkeypatch.setattr("cqsid.scores._SLACK", slack)
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


def test_a_category_constraint_keeps_to_its_first_codes_and_their_scores():
    vocabulary, trie, decoder = small()
    prompts = random_prompts(vocabulary, 3, 7)
    first_BK = np.zeros((3, 6), np.bool_)
    first_BK[0, trie.sids_SL[0, 0]] = True
    first_BK[1, trie.sids_SL[-1, 0]] = True
    first_BK[2] = True
    free = decoder.decode(prompts, 60)
    bound = decoder.decode(prompts, 60, first_BK=first_BK)
    for row in range(3):
        wanted = first_BK[row, trie.sids_SL[free.sid_BN[row], 0]]
        count = wanted.sum()
        assert bound.sid_BN[row, :count].tolist() == free.sid_BN[row][wanted].tolist()
        assert (bound.sid_BN[row, count:] == -1).all()
        np.testing.assert_allclose(
            bound.scores_BN[row, :count], free.scores_BN[row][wanted], rtol=1e-5
        )


def test_a_row_that_allows_no_existing_id_is_refused_by_its_number():
    vocabulary, trie, _ = small()
    one = Trie.of(trie.sids_SL[:1], SIZES[3])
    decoder = Decoder(Weights.of(model_of(3)[1]), vocabulary, one)
    first_BK = np.ones((2, 6), np.bool_)
    first_BK[1, one.sids_SL[0, 0]] = False
    with pytest.raises(ContractError, match=r"first_BK\[1\] allows no id"):
        decoder.decode(random_prompts(vocabulary, 2, 4), 3, first_BK=first_BK)
    with pytest.raises(ContractError, match=r"first_BK.shape == \(2, 5\), must be \(2, 6\)"):
        decoder.decode(random_prompts(vocabulary, 2, 4), 3, first_BK=first_BK[:, :5])


@pytest.mark.parametrize("beams", [0, -1, (3, 3), (3, 0, 3), ()])
def test_beams_that_make_no_sense_are_refused(beams):
    vocabulary, _, decoder = small()
    with pytest.raises(ConfigError, match=r"beams == .*, must be >= 1 for each of 3 levels"):
        decoder.decode(random_prompts(vocabulary, 2, 4), beams)


def test_prompts_that_no_model_can_read_are_refused():
    vocabulary, _, decoder = small()
    prompts = random_prompts(vocabulary, 3, 4)
    empty = replace(prompts, length_B=np.array([1, 0, 1]))
    with pytest.raises(DataError, match=r"length_B\[1\] == 0, must be 1 to 4 tokens"):
        decoder.decode(empty, 3)
    strange = replace(prompts, tokens_BT=prompts.tokens_BT + len(vocabulary))
    with pytest.raises(DataError, match=r"tokens_BT\[0, 0\] == \d+, must be 0 to"):
        decoder.decode(strange, 3)


@pytest.mark.parametrize("name", ["embedding_VD", "head_VD", "norm"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_weight_is_refused_by_name(name, value):
    weights = Weights.of(model_of(3)[1])
    tensor = getattr(weights, name).detach().clone()
    tensor.view(-1)[-1] = value
    vocabulary, trie, _ = small()
    with pytest.raises(DataError, match=rf"weights.{name} == NaN or infinite"):
        Decoder(replace(weights, **{name: tensor}), vocabulary, trie)


def test_scores_that_overflow_are_refused():
    weights = Weights.of(model_of(3)[1])
    vocabulary, trie, _ = small()
    decoder = Decoder(replace(weights, norm=weights.norm * 1e38), vocabulary, trie)
    with pytest.raises(ContractError, match=r"scores of code \d are not finite"):
        decoder.decode(random_prompts(vocabulary, 2, 4), 3)


def test_sizes_that_do_not_belong_together_are_refused():
    vocabulary, trie, _ = small()
    weights = Weights.of(model_of(3)[1])
    with pytest.raises(ConfigError, match=r"trie.sizes == \(6, 5, 4\), must be \(6, 5, 5\)"):
        Decoder(weights, Vocabulary(30, (6, 5, 5)), trie)
    with pytest.raises(ConfigError, match=r"weights: \d+ tokens, must be >="):
        Decoder(weights, Vocabulary(31, SIZES[3]), trie)
    with pytest.raises(ConfigError, match="softmax == 'none', must be 'level' or 'full'"):
        Decoder(weights, vocabulary, trie, softmax="none")


def test_no_prompts_give_no_beams():
    vocabulary, _, decoder = small()
    found = decoder.decode(random_prompts(vocabulary, 0, 4), 3)
    assert found.sid_BN.shape == (0, 3)


def test_a_decoder_keeps_the_weights_it_was_made_with():
    vocabulary = Vocabulary(30, SIZES[3])
    model, trie = random_model(vocabulary, 5), random_trie(SIZES[3], 40)
    decoder = Decoder(Weights.of(model), vocabulary, trie)
    prompts = random_prompts(vocabulary, 3, 4)
    before = decoder.decode(prompts, 5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(-2.0)
    np.testing.assert_array_equal(decoder.decode(prompts, 5).scores_BN, before.scores_BN)


def test_a_decoder_survives_pickling():
    vocabulary, _, decoder = small()
    prompts = random_prompts(vocabulary, 3, 4)
    copy = pickle.loads(pickle.dumps(decoder))
    np.testing.assert_array_equal(
        copy.decode(prompts, 9).scores_BN, decoder.decode(prompts, 9).scores_BN
    )


def test_branches_compute_what_the_forward_pass_computes():
    vocabulary, _, decoder = small()
    weights, prompts = Weights.of(model_of(3)[1]), random_prompts(vocabulary, 1, 6, shortest=6)
    tokens = prompt_of(prompts, 0)
    mask = torch.ones(1, 6, 6, dtype=torch.bool).tril()
    with torch.inference_mode():
        expected, _ = forward(weights, embed(weights, tokens), torch.arange(6)[None], mask)
        found, _ = decoder._branches.read(prompts, 0, 0)
    torch.testing.assert_close(found[0], expected[0, -1], rtol=1e-5, atol=1e-5)


@softmaxes
def test_the_way_of_other_devices_finds_the_same(softmax, monkeypatch):
    vocabulary, _, decoder = small(softmax=softmax, kind="grouped heads")
    prompts = random_prompts(vocabulary, 5, 9)
    expected = decoder.decode(prompts, 12)
    monkeypatch.setattr("cqsid.branches.attend", _attend_anywhere)
    monkeypatch.setattr("cqsid.branches.remember", _remember_anywhere)
    monkeypatch.setattr("cqsid.matmul._onednn", lambda: None)
    _, _, plain = small(softmax=softmax, kind="grouped heads")
    found = plain.decode(prompts, 12)
    np.testing.assert_array_equal(found.sid_BN, expected.sid_BN)
    np.testing.assert_allclose(found.scores_BN, expected.scores_BN, rtol=1e-5, atol=1e-5)
