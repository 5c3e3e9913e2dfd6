from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.decoding.decoder import Decoder
from cqsid.decoding.trie import Trie
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from recall.device import one_thread
from recall.storage import saved_copy
from simulator.errors import ConfigError, ContractError, DataError
from tests.cqsid.decoders import KINDS, SIZES, model_of, path_scores, prompt_of, small
from tests.cqsid.models import allowed, random_model, random_prompts, random_trie


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


levels = pytest.mark.parametrize("levels", SIZES)
softmaxes = pytest.mark.parametrize("softmax", ["level", "full"])


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
@pytest.mark.parametrize("seed", range(4))
def test_sequences_scores_and_order_equal_the_library(levels, seed):
    vocabulary, trie, decoder = small(levels, seed, "full", n_ids=40 if levels > 2 else 30)
    _, model = model_of(levels, seed)
    prompts = random_prompts(vocabulary, 2, 8, seed=seed)
    found = decoder.decode(prompts, 10)
    for row in range(2):
        prompt = prompt_of(prompts, row)

        def follow(_, tokens, start=prompt.shape[1]):
            codes = tokens[start:].numpy() - vocabulary.offset_L[: len(tokens) - start]
            return (allowed(trie, codes) + vocabulary.offset_L[len(codes)]).tolist()

        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            num_beams=10,
            num_return_sequences=10,
            max_new_tokens=levels,
            do_sample=False,
            length_penalty=0.0,
            prefix_allowed_tokens_fn=follow,
            return_dict_in_generate=True,
            output_scores=True,
        )
        ours = vocabulary.tokens(trie.sids_SL[found.sid_BN[row]])
        assert ours.tolist() == out.sequences[:, prompt.shape[1] :].tolist()
        scores = out.sequences_scores.numpy()
        np.testing.assert_allclose(found.scores_BN[row], scores, atol=1e-5, rtol=1e-5)


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
    copy = saved_copy(decoder)
    np.testing.assert_array_equal(
        copy.decode(prompts, 9).scores_BN, decoder.decode(prompts, 9).scores_BN
    )
