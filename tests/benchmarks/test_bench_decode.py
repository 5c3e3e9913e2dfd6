"""Beam search over existing ids on one core, beside the library's own with an allowed-tokens hook.

A Qwen2 model of 1.4 million random parameters, 40,000 ids of three codes; and a small trained one,
asked by shoppers of a generated shop, whose certainty about first codes saves work.
"""

from collections import defaultdict
from functools import cache
from time import process_time

import numpy as np
import pytest
import torch

from cqsid.decoding.decoder import Decoder
from cqsid.decoding.trie import Trie
from cqsid.fit import learn
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.settings import CqsidSpec
from experiments import load_config
from experiments.running.models import CATALOG, LOG, load_saved
from experiments.running.pipeline import Pipeline
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from recall.device import one_thread
from recall.texts.cache import TextCache
from simulator.log.history import load_history
from tests.benchmarks.table import Row
from tests.cqsid.models import random_model, random_prompts, random_trie

pytestmark = pytest.mark.benchmark(timer=process_time)

SIZES, N_IDS, BEAMS = (256, 256, 256), 40_000, 50
N_PROMPTS = 64
PROMPTS = (12, 24)  # tokens of a query alone, and of one with a shopper
AIMS = {"full": 20, "level": 40}  # times the library's rate
QUERIES_PER_SECOND = "queries/s of one core"
SHOP = ("catalog.items=10000", "shoppers.count=5000", "world.history_days=14")
N_ASKED = 512
SERVED_AIM = 200  # queries/s of one core at `BEAMS`, uncached, softmax over a level


@pytest.fixture(autouse=True)
def alone():
    with one_thread():
        yield


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


@cache
def library(length):
    """The library's search as a function without arguments."""
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

    return generate


@cache
def raced(length):
    """Best rates in turns, ours of calls one after another as a server's are, and all results."""
    calls = {
        softmax: lambda s=softmax: decoder(s).decode(prompts(length), BEAMS) for softmax in AIMS
    }
    found = {softmax: call() for softmax, call in calls.items()}  # compiles
    calls["library"] = library(length)
    best = dict.fromkeys(calls, np.inf)
    for _ in range(4):
        for name, call in calls.items():
            for _ in range(1 if name == "library" else 5):
                start = process_time()
                found[name] = call()
                best[name] = min(best[name], process_time() - start)
    return {name: N_PROMPTS / seconds for name, seconds in best.items()}, found


@pytest.mark.parametrize("softmax", AIMS)
@pytest.mark.parametrize("length", PROMPTS)
def test_beams_beside_the_library(report, length, softmax):
    vocabulary, _, trie = market()
    rates, found = raced(length)
    what = f"beams {BEAMS}, {N_IDS:,} ids, prompt {length}, softmax {softmax}"
    row = (what, rates[softmax], QUERIES_PER_SECOND, "transformers generate", rates["library"])
    aim = AIMS[softmax]
    report(Row(*row, aim=f">= {aim}x", met=rates[softmax] >= aim * rates["library"]))
    ours, theirs = found[softmax], found["library"]
    assert all(len(np.unique(sid_N)) == BEAMS for sid_N in ours.sid_BN)
    if softmax == "full":
        sequences = theirs.sequences[:, length:].view(N_PROMPTS, BEAMS, len(SIZES)).numpy()
        scores = theirs.sequences_scores.view(N_PROMPTS, BEAMS).numpy()
        np.testing.assert_array_equal(vocabulary.tokens(trie.sids_SL[ours.sid_BN]), sequences)
        np.testing.assert_allclose(ours.scores_BN, scores, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A trained model's decoder, and the prompts of shoppers."""
    config, spec = load_config("cqsid", SHOP), CqsidSpec()
    with RunFolder(tmp_path_factory.mktemp("shop") / "run") as run:
        pipeline = Pipeline(config, Maker(run, config.execution, NoProgress()))
        catalogue = pipeline.catalogue()
        history = load_history(pipeline.history(catalogue).path / LOG)
        catalog = load_saved(catalogue.path / CATALOG)
    learned = learn(spec, catalog, history, rng=np.random.default_rng(0))
    rows = np.random.default_rng(0).choice(len(history.at_R), N_ASKED, replace=False)
    requests = history.requests(np.sort(rows))
    asked, known_B = learned.ask(requests, learned.ids, TextCache(), personalised=True)
    trie = Trie.of(learned.ids.sids_SL, learned.ids.sizes)
    search = Decoder(learned.weights, learned.prompts.vocabulary, trie)
    return search, asked.rows(np.flatnonzero(known_B))


@pytest.mark.parametrize("beams", [20, 50, 100])
def test_shoppers_ask_a_trained_model(race, shop, beams):
    search, asked = shop
    found = race(
        f"beams {beams}, trained on a generated shop, prompts of shoppers, softmax level",
        QUERIES_PER_SECOND,
        len(asked),
        lambda: search.decode(asked, beams),
        aim_rate=SERVED_AIM if beams == BEAMS else None,
    )
    assert (found["ours"].sid_BN >= 0).all()
