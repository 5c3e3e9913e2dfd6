"""Beam search over existing ids on one core, beside the library's own with an allowed-tokens hook.

A Qwen2 model of 1.4 million random parameters, 40,000 ids of three codes.
"""

from collections import defaultdict
from functools import cache
from time import process_time

import numpy as np
import pytest
import torch

from cqsid.decode import Decoder
from cqsid.transformer import Weights
from cqsid.vocabulary import Vocabulary
from recall.device import one_thread
from tests.benchmarks.table import Row
from tests.cqsid.models import random_model, random_prompts, random_trie

pytestmark = pytest.mark.benchmark

SIZES, N_IDS, BEAMS = (256, 256, 256), 40_000, 50
N_PROMPTS = 64
PROMPTS = (12, 24)  # tokens of a query alone, and of one with a shopper
AIMS = {"full": 20, "level": 40}  # times the library's rate
QUERIES_PER_SECOND = "queries/s of one core"


@cache
def market():
    vocabulary = Vocabulary(6_000, SIZES)
    sizes = {"hidden_size": 128, "intermediate_size": 512, "initializer_range": 0.05}
    return vocabulary, random_model(vocabulary, **sizes), random_trie(SIZES, N_IDS)


@cache
def prompts(length):
    return random_prompts(market()[0], N_PROMPTS, length, shortest=length)


@cache
def decoder(softmax):
    vocabulary, model, trie = market()
    return Decoder(Weights.of(model), vocabulary, trie, softmax=softmax)


def seconds(call, rounds):
    best, found = float("inf"), None
    for _ in range(rounds):
        start = process_time()
        found = call()
        best = min(best, process_time() - start)
    return best, found


@cache
def library(length):
    """Its rate, its sequences and their scores."""
    vocabulary, model, trie = market()
    after = defaultdict(dict)
    for tokens in vocabulary.tokens(trie.sids_SL).tolist():
        for level, token in enumerate(tokens):
            after[tuple(tokens[:level])][token] = None
    allowed = {prefix: list(following) for prefix, following in after.items()}
    rows = torch.from_numpy(prompts(length).tokens_BT).long()

    def generate():
        return model.generate(
            rows,
            attention_mask=torch.ones_like(rows),
            num_beams=BEAMS,
            num_return_sequences=BEAMS,
            max_new_tokens=len(SIZES),
            do_sample=False,
            length_penalty=0.0,
            prefix_allowed_tokens_fn=lambda _, tokens: allowed[tuple(tokens[length:].tolist())],
            return_dict_in_generate=True,
            output_scores=True,
        )

    with one_thread():
        taken, out = seconds(generate, rounds=2)
    sequences = out.sequences[:, length:].view(N_PROMPTS, BEAMS, len(SIZES))
    scores = out.sequences_scores.view(N_PROMPTS, BEAMS)
    return N_PROMPTS / taken, sequences.numpy(), scores.numpy()


@pytest.mark.parametrize("softmax", AIMS)
@pytest.mark.parametrize("length", PROMPTS)
def test_beams_beside_the_library(report, length, softmax):
    vocabulary, _, trie = market()
    theirs, sequences, scores = library(length)
    rate, found = ours(length, softmax, BEAMS)
    aim = AIMS[softmax]
    what = f"beams {BEAMS}, {N_IDS:,} ids, prompt {length}, softmax {softmax}"
    row = (what, rate, QUERIES_PER_SECOND, "transformers generate", theirs)
    report(Row(*row, aim=f">= {aim}x", met=rate >= aim * theirs))
    assert all(len(np.unique(sid_N)) == BEAMS for sid_N in found.sid_BN)
    if softmax == "full":
        np.testing.assert_array_equal(vocabulary.tokens(trie.sids_SL[found.sid_BN]), sequences)
        np.testing.assert_allclose(found.scores_BN, scores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("beams", [20, 100])
def test_fewer_and_more_beams(report, beams):
    rate, found = ours(PROMPTS[-1], "level", beams)
    what = f"beams {beams}, {N_IDS:,} ids, prompt {PROMPTS[-1]}, softmax level"
    report(Row(what, rate, QUERIES_PER_SECOND))
    assert (found.sid_BN >= 0).all()


def ours(length, softmax, beams):
    """Our rate and what we find."""
    some = decoder(softmax)
    with one_thread():
        some.decode(prompts(length), beams)  # compiles
        taken, found = seconds(lambda: some.decode(prompts(length), beams), rounds=5)
    return N_PROMPTS / taken, found
