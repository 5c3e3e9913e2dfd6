import numpy as np
import pytest
import torch

from cqsid.alignment.policy import distributions, log_probabilities
from cqsid.alignment.sampling import sample
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from simulator.errors import ConfigError, ContractError, DataError
from tests.cqsid.models import allowed, random_model, random_prompts, random_trie

VOCABULARY = Vocabulary(20, (5, 4, 3))
TRIE = random_trie((5, 4, 3), 20)
PROMPTS = random_prompts(VOCABULARY, 6, 7)
GENEROUS = 20  # chi-square is below twice its degrees of freedom plus this, 9,999 times of 10,000


@pytest.fixture(autouse=True)
def alone():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def weights():
    return Weights.of(random_model(VOCABULARY, num_key_value_heads=2)).detached()


def drawn(weights, number=8, seed=0, prompts=PROMPTS, trie=TRIE, **settings):
    rng = np.random.default_rng(seed)
    return sample(weights, VOCABULARY, trie, prompts, number, rng=rng, **settings)


def fits(counts_BS, p_BS):
    """Whether counts are what probabilities let expect."""
    expected_BS = p_BS * counts_BS.sum(axis=1, keepdims=True)
    likely_BS = expected_BS > 5  # the others go into one cell
    rest = np.where(likely_BS, 0, counts_BS).sum(), np.where(likely_BS, 0, expected_BS).sum()
    off = (counts_BS - expected_BS)[likely_BS] ** 2 / expected_BS[likely_BS]
    chi = off.sum() + (rest[0] - rest[1]) ** 2 / max(rest[1], 1)
    return chi < 2 * (likely_BS.sum() + 1) + GENEROUS


def id_probabilities(weights, temperature=1.0):
    """(B, S) of every id under the constrained policy, from its distributions."""
    codes_BGL = np.repeat(TRIE.sids_SL[None], len(PROMPTS), axis=0)
    p_BS = np.ones(codes_BGL.shape[:2])
    for level, logp_BGK in enumerate(distributions(weights, VOCABULARY, PROMPTS, codes_BGL)):
        for s, codes in enumerate(TRIE.sids_SL):
            legal = allowed(TRIE, codes[:level].tolist())
            logits_BK = logp_BGK[:, s if logp_BGK.shape[1] > 1 else 0].double() / temperature
            p_BK = torch.softmax(logits_BK[:, legal], dim=-1).numpy()
            p_BS[:, s] *= p_BK[:, legal.tolist().index(codes[level])]
    return p_BS


def counted(samples):
    return np.stack([np.bincount(sid_G, minlength=len(TRIE)) for sid_G in samples.sid_BG])


def test_every_constrained_sample_is_an_id_that_exists(weights):
    found = drawn(weights, 50)
    assert found.codes_BGL.shape == (6, 50, 3)
    assert found.codes_BGL.dtype == np.int32
    assert found.shape == (6, 50)
    np.testing.assert_array_equal(TRIE.sids_SL[found.sid_BG], found.codes_BGL)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_ids_come_as_often_as_the_constrained_policy_says(weights, temperature):
    counts_BS = counted(drawn(weights, 3_000, temperature=temperature))
    assert fits(counts_BS, id_probabilities(weights, temperature))
    assert not fits(counts_BS, id_probabilities(weights, 1.3 * temperature))


def test_what_is_drawn_has_the_probability_that_the_legal_softmax_gives(weights):
    found = drawn(weights, 4)
    scores = log_probabilities(weights, VOCABULARY, PROMPTS, found.codes_BGL, trie=TRIE)
    p_BS = id_probabilities(weights)
    expected_BG = np.take_along_axis(p_BS, found.sid_BG, axis=1)
    np.testing.assert_allclose(scores.logp_BGL.sum(2).exp(), expected_BG, rtol=1e-4)


def test_towards_temperature_zero_every_sample_is_the_greedy_id(weights):
    for cold in (1e-5, 1e-300):
        sid_BG = drawn(weights, 4, temperature=cold).sid_BG
        assert (sid_BG == sid_BG[:, :1]).all()
        for b, sid in enumerate(sid_BG[:, 0]):
            greedy = []
            for level in range(3):
                after = np.array([[[*greedy, 0, 0, 0][:3]]], np.int32)
                one = PROMPTS.rows(slice(b, b + 1))
                logp_K = distributions(weights, VOCABULARY, one, after)[level][0, 0]
                legal = allowed(TRIE, greedy)
                greedy.append(int(legal[logp_K[legal].argmax()]))
            assert TRIE.sids_SL[sid].tolist() == greedy


def test_the_same_generator_draws_the_same_and_another_one_others(weights):
    one, again, other = (drawn(weights, 16, seed).codes_BGL for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_batch_in_pieces_draws_what_it_draws_in_one(weights):
    together, rng, pieces = drawn(weights), np.random.default_rng(0), []
    for rows in (slice(0, 1), slice(1, 4), slice(4, 6)):
        prompts = PROMPTS.rows(rows).trimmed()
        pieces.append(sample(weights, VOCABULARY, TRIE, prompts, 8, rng=rng).codes_BGL)
    np.testing.assert_array_equal(np.concatenate(pieces), together.codes_BGL)


def test_more_prompts_than_are_read_at_once_draw_the_same(weights):
    many = Prompts(np.tile(PROMPTS.tokens_BT, (12, 1)), np.tile(PROMPTS.length_B, 12))
    whole, rng = drawn(weights, 3, prompts=many), np.random.default_rng(0)
    parts = [
        sample(weights, VOCABULARY, TRIE, many.rows(slice(b, b + 36)), 3, rng=rng).codes_BGL
        for b in (0, 36)
    ]
    np.testing.assert_array_equal(whole.codes_BGL, np.concatenate(parts))


def test_other_requests_do_not_change_a_request(weights):
    changed = PROMPTS.tokens_BT.copy()
    changed[1:, 0] = (changed[1:, 0] + 1) % 20
    one, other = (
        drawn(weights, prompts=Prompts(tokens_BT, PROMPTS.length_B)).codes_BGL[0]
        for tokens_BT in (PROMPTS.tokens_BT, changed)
    )
    np.testing.assert_array_equal(one, other)


def test_unconstrained_codes_may_be_of_no_id(weights):
    found = drawn(weights, 200, constrained=False, temperature=3.0)
    np.testing.assert_array_equal(found.sid_BG.ravel(), TRIE.find(found.codes_BGL.reshape(-1, 3)))
    assert (found.sid_BG == -1).any()
    assert (found.sid_BG >= 0).any()
    assert (found.codes_BGL.reshape(-1, 3).max(axis=0) == (4, 3, 2)).all()


def test_unconstrained_first_codes_come_as_often_as_the_softmax_of_the_level_says(weights):
    codes_BG = drawn(weights, 3_000, constrained=False).codes_BGL[..., 0]
    first = distributions(weights, VOCABULARY, PROMPTS, np.zeros((6, 1, 3), np.int32))[0][:, 0]
    counts_BK = np.stack([np.bincount(codes_G, minlength=5) for codes_G in codes_BG])
    assert fits(counts_BK, first.double().exp().numpy())


@pytest.mark.parametrize("constrained", [True, False])
def test_forced_codes_come_first_and_the_rest_is_drawn(weights, constrained):
    forced_BL = np.full((6, 3), -1, np.int32)
    forced_BL[0], forced_BL[2, :2], forced_BL[5, :1] = (TRIE.sids_SL[s, :n] for s, n in FORCED)
    found = drawn(weights, 12, forced_BL=forced_BL, constrained=constrained)
    held_BGL = np.broadcast_to(forced_BL[:, None] >= 0, found.codes_BGL.shape)
    wanted_BGL = np.broadcast_to(forced_BL[:, None], found.codes_BGL.shape)
    np.testing.assert_array_equal(found.codes_BGL[held_BGL], wanted_BGL[held_BGL])
    assert (found.sid_BG[0] == FORCED[0][0]).all()
    if constrained:
        assert (found.sid_BG >= 0).all()
    free = drawn(weights, 12, constrained=constrained).codes_BGL
    np.testing.assert_array_equal(found.codes_BGL[[1, 3, 4]], free[[1, 3, 4]])


FORCED = ((7, 3), (13, 2), (19, 1))


def test_ids_of_one_level_are_drawn_from_the_prompt_alone():
    vocabulary, trie = Vocabulary(20, (5,)), Trie.of(np.array([[1], [3]], np.int32), (5,))
    weights, prompts = Weights.of(random_model(vocabulary)), random_prompts(vocabulary, 3, 4)
    rng = np.random.default_rng(0)
    found = sample(weights, vocabulary, trie, prompts, 40, rng=rng)
    assert set(found.codes_BGL.ravel().tolist()) == {1, 3}
    assert set(found.sid_BG.ravel().tolist()) == {0, 1}


def test_no_prompts_draw_nothing(weights):
    none = PROMPTS.rows(slice(0, 0))
    assert drawn(weights, prompts=none).codes_BGL.shape == (0, 8, 3)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"number": 0}, ConfigError, r"number == 0, must be >= 1"),
        ({"temperature": 0.0}, ConfigError, r"temperature == 0.0, must be > 0"),
        ({"temperature": float("nan")}, ConfigError, r"temperature == nan, must be > 0"),
        ({"trie": random_trie((5, 4), 9)}, ConfigError, r"trie.sizes == \(5, 4\), must be"),
        (
            {"prompts": Prompts(PROMPTS.tokens_BT, np.zeros(6, np.int64))},
            DataError,
            r"prompts.length_B\[0\] == 0, must be 1 to 7 tokens",
        ),
        (
            {"prompts": Prompts(PROMPTS.tokens_BT + 99, PROMPTS.length_B)},
            DataError,
            r"prompts.tokens_BT\[0, 0\] == \d+, must be 0 to 45",
        ),
    ],
)
def test_wrong_settings_and_prompts_are_refused_with_place_and_value(
    weights, settings, error, message
):
    with pytest.raises(error, match=message):
        drawn(weights, **settings)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([5, -1, -1], r"forced_BL\[2, 0\] == 5, must be -1 to 4"),
        ([-2, -1, -1], r"forced_BL\[2, 0\] == -2, must be -1 to 4"),
        ([-1, 1, -1], r"forced_BL\[2, 1\] == 1, must be -1 to 3, and -1 behind a free code"),
        ([0, 2, -1], r"forced_BL\[2, 1\] == 2, must be one of an id that exists"),
    ],
)
def test_forced_codes_that_lead_nowhere_are_refused(weights, row, message):
    trie = Trie.of(np.array([[0, 1, 0], [0, 3, 1], [1, 2, 0]], np.int32), (5, 4, 3))
    forced_BL = np.full((6, 3), -1, np.int32)
    forced_BL[2] = row
    with pytest.raises(ContractError, match=message):
        drawn(weights, trie=trie, forced_BL=forced_BL)
    with pytest.raises(ContractError, match=r"forced_BL.shape == \(6, 2\), must be \(6, 3\)"):
        drawn(weights, forced_BL=forced_BL[:, :2])


def test_scores_that_are_not_finite_are_refused(weights):
    huge_VD = weights.head_VD / weights.head_VD.abs().max() * 3e38
    broken = Weights(**{**vars(weights), "head_VD": huge_VD})
    with pytest.raises(
        ContractError, match=r"logits of level 0 == NaN or infinite, must be finite"
    ):
        drawn(broken)
