from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from cqsid.alignment import evaluation
from cqsid.alignment.evaluation import Evaluator, divergence_RG, entropy_RG
from cqsid.alignment.idtask import IdTask
from cqsid.alignment.measures import item_recall_B
from cqsid.alignment.rollout import Batch, Roller
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.evaluate import hit_rate_B
from cqsid.decoding.shelves import Shelves
from cqsid.generator.transformer import Weights
from cqsid.rewards.logged import Logged
from cqsid.rewards.shop import Shop
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from recall.sampleshop import sample_catalog
from simulator.errors import ConfigError, ContractError, DataError
from simulator.protocols import Requests
from tests.cqsid.decoders import SIZES, model_of
from tests.cqsid.models import random_prompts, random_trie

V, ITEMS = 9, 70


class TwoParts:
    """A mix of the id's number, and of a constant."""

    names = ("number", "constant")
    weight_C = np.array([2.0, 1.0], np.float32)

    def parts(self, logged, samples):
        number_BG = samples.sid_BG.astype(np.float32)
        return np.stack([number_BG, np.full_like(number_BG, 5)])

    def total(self, scaled_CBG):
        return np.tensordot(self.weight_C, scaled_CBG, 1)


def first_items(logged, samples, shop):
    return shop.items(samples.sid_BG, 1)[..., 0].astype(np.float32)


def shop_of(trie, n_items=ITEMS):
    rng = np.random.default_rng(0)
    sid_I = np.concatenate([np.arange(len(trie)), rng.integers(0, len(trie), n_items - len(trie))])
    ids = SemanticIds(trie.sids_SL[sid_I], trie.sizes)
    shelves = Shelves.of(ids, rng.random(n_items))
    return Shop(sample_catalog(n_items), ids, shelves, None, None, np.zeros((n_items, 2)))


def logged_of(shop, n=V, *, silent=()):
    rng = np.random.default_rng(1)
    exposed = [rng.choice(len(shop.ids), 6, replace=False).tolist() for _ in range(n)]
    clicked = [[] if b in silent else some[:2] for b, some in enumerate(exposed)]
    requests, ones = Requests.of_texts(("a",) * n), np.ones(6 * n, np.float32)
    bought = Ragged.of([[]] * n)
    return Logged(requests, Ragged.of(exposed), Ragged.of(clicked), bought, np.zeros(n), ones)


@cache
def policy(seed=0):
    return Weights.of(model_of(3, seed)[1])


def evaluator(n_ids=60, *, silent=(), softmax="level", prompts=None, **changes):
    trie = random_trie(SIZES[3], n_ids)
    shop = shop_of(trie)
    vocabulary = model_of(3)[0]
    parts = {
        "roller": Roller(None, vocabulary, softmax, trie, IdTask(TwoParts(), shop)),
        "held": Batch(logged_of(shop, silent=silent), prompts or random_prompts(vocabulary, V, 8)),
        "probes": {"first": first_items},
        "beam": 30,
        "reference": policy(1),
    }
    return Evaluator(**(parts | changes))


def beams_of(evaluate, weights, width):
    roller = evaluate.roller
    decoder = Decoder(weights, roller.vocabulary, roller.trie, softmax=roller.softmax)
    return decoder.decode(evaluate.held.prompts, width).sid_BN


def library_distributions(evaluate, seed, row, codes_GL):
    """(G, K) log-probabilities of each level's codes behind beginnings of ids, by the library."""
    vocabulary, model = model_of(3, seed)
    prompt = evaluate.held.prompts.tokens_BT[row, : evaluate.held.prompts.length_B[row]]
    prompt_GT = np.repeat(prompt[None], len(codes_GL), axis=0)
    tokens_GT = np.concatenate([prompt_GT, vocabulary.tokens(codes_GL)], axis=1)
    with torch.inference_mode():
        logits = model(torch.from_numpy(tokens_GT).long()).logits[:, len(prompt) - 1 : -1]
    firsts = zip(vocabulary.offset_L.tolist(), vocabulary.sizes, strict=True)
    return [
        logits[:, level, first : first + size].double().log_softmax(-1)
        for level, (first, size) in enumerate(firsts)
    ]


@pytest.mark.parametrize("softmax", ["level", "full"])
def test_entropy_and_divergence_are_those_of_the_library_along_the_best_ten_ids(softmax):
    evaluate = evaluator(softmax=softmax)
    found, _ = evaluate(policy(0), 7)
    best_VG = beams_of(evaluate, policy(0), 30)[:, :10]
    entropies, divergences = [], []
    for row in range(V):
        codes_GL = evaluate.roller.task.shop.ids.sids_SL[best_VG[row]]
        own, held = (library_distributions(evaluate, seed, row, codes_GL) for seed in (0, 1))
        entropies.append([-(p.exp() * p).sum(-1).mean() for p in own])
        divergences.append(
            sum((p.exp() * (p - q)).sum(-1).mean() for p, q in zip(own, held, strict=True))
        )
    np.testing.assert_allclose(found.entropy_L, np.mean(entropies, axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.kl, np.mean(divergences), rtol=1e-4)
    assert found.kl > 0.01
    assert found.step == 7


def test_hit_rates_recall_and_first_codes_are_those_of_the_decoders_beams():
    evaluate = evaluator(beam=100)
    found, _ = evaluate(policy(0), 0)
    sid_VN, clicked, shop = (
        beams_of(evaluate, policy(0), 100),
        evaluate.held.asked.clicked,
        evaluate.roller.task.shop,
    )
    wanted = [hit_rate_B(sid_VN, n, clicked, shop.ids).mean() for n in (1, 10, 100)]
    assert found.hit_rates == tuple(wanted)
    assert wanted[0] < wanted[1] < wanted[2] == 1
    assert found.recall == item_recall_B(sid_VN, clicked, shop.shelves).mean() == 1
    firsts = [len(set(shop.ids.sids_SL[row[:10], 0].tolist())) for row in sid_VN]
    assert found.first_codes == np.mean(firsts)


def test_a_narrow_beam_reports_what_all_its_ids_find():
    evaluate = evaluator(beam=4)
    found, watched = evaluate(policy(0), 0)
    sid_VN = beams_of(evaluate, policy(0), 4)
    rate = hit_rate_B(sid_VN, 4, evaluate.held.asked.clicked, evaluate.roller.task.shop.ids).mean()
    assert rate < 1
    assert found.hit_rates[1:] == (rate, rate)
    np.testing.assert_allclose(watched["reward"], (2.0 * sid_VN + 5).mean(axis=1))


def test_the_reward_is_the_unscaled_sum_over_the_best_ten_ids_and_probes_lie_beside_it():
    evaluate = evaluator()
    found, watched = evaluate(policy(0), 0)
    best_VG = beams_of(evaluate, policy(0), 30)[:, :10]
    np.testing.assert_allclose(watched["reward"], (2.0 * best_VG + 5).mean(axis=1))
    first_VG = evaluate.roller.task.shop.items(best_VG, 1)[..., 0]
    np.testing.assert_allclose(watched["first"], first_VG.mean(axis=1))
    assert watched.keys() == {"reward", "first"}
    assert {values.dtype for values in watched.values()} == {np.dtype(np.float64)}
    assert found.reward == watched["reward"].mean()
    assert found.probes == {"first": watched["first"].mean()}


def test_the_supervised_model_does_not_diverge_from_itself():
    assert evaluator(reference=policy(0))(policy(0), 0)[0].kl == pytest.approx(0, abs=1e-9)


def test_requests_without_clicks_are_watched_but_not_searched():
    whole, _ = evaluator()(policy(0), 0)
    evaluate = evaluator(silent=(0, 4))
    found, watched = evaluate(policy(0), 0)
    rows = np.array([1, 2, 3, 5, 6, 7, 8])
    sid_VN, clicked = (
        beams_of(evaluate, policy(0), 30)[rows],
        evaluate.held.asked.clicked.take(rows),
    )
    assert (
        found.hit_rates[1] == hit_rate_B(sid_VN, 10, clicked, evaluate.roller.task.shop.ids).mean()
    )
    assert len(watched["reward"]) == V
    assert (found.reward, found.kl) == (whole.reward, whole.kl)


def test_a_shop_of_few_ids_is_evaluated_on_what_there_is():
    evaluate = evaluator(3)
    found, watched = evaluate(policy(0), 0)
    np.testing.assert_allclose(watched["reward"], 2.0 + 5)  # ids 0, 1 and 2, in some order
    assert found.hit_rates[1:] == (1.0, 1.0)


def test_evaluations_repeat_bit_for_bit_and_hardly_depend_on_the_chunks(monkeypatch):
    evaluate = evaluator()
    one, watched = evaluate(policy(0), 3)
    again, rewatched = evaluate(policy(0), 3)
    assert one == again
    assert all((watched[name] == rewatched[name]).all() for name in watched)
    monkeypatch.setattr(evaluation, "_CHUNK", 2)
    other, _ = evaluate(policy(0), 3)
    np.testing.assert_allclose(other.entropy_L, one.entropy_L, rtol=1e-5)
    np.testing.assert_allclose(other.kl, one.kl, rtol=1e-4)


def test_entropy_and_divergence_of_small_distributions_are_exact():
    certain, even = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.5, 0.5]]])
    one, half = certain.log(), even.log()
    assert entropy_RG(one).tolist() == [[0.0]]
    assert entropy_RG(half).item() == pytest.approx(np.log(2))
    assert divergence_RG(one, half).item() == pytest.approx(np.log(2))
    assert divergence_RG(one, one).item() == 0
    assert divergence_RG(half, one).item() == np.inf


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="probes == 'reward' among them"):
        evaluator(probes={"reward": first_items})
    with pytest.raises(DataError, match=r"logged == 0 requests with clicks, must be > 0"):
        evaluator(silent=range(V))
    short = random_prompts(model_of(3)[0], V - 1, 8)
    with pytest.raises(DataError, match=r"prompts == 8 prompts, must be 9 as the requests"):
        evaluator(prompts=short)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (lambda logged, samples, shop: np.zeros(9), r"probes.mine: shape == \(9,\), must be"),
        (
            lambda logged, samples, shop: np.where(
                samples.sid_BG == samples.sid_BG[3, 1], np.nan, 0
            ),
            r"probes.mine: values\[\d, \d\] == nan, must be finite",
        ),
    ],
)
def test_a_probe_that_breaks_the_contract_is_named(probe, message):
    with pytest.raises(ContractError, match=message):
        evaluator(probes={"mine": probe})(policy(0), 0)


def test_items_that_are_not_on_sale_are_not_recalled_though_their_ids_are_found():
    evaluate = evaluator()
    shelves = evaluate.roller.task.shop.shelves.on_sale(np.zeros(ITEMS, np.bool_))
    task = evaluate.roller.task
    roller = replace(evaluate.roller, task=replace(task, shop=replace(task.shop, shelves=shelves)))
    found, _ = replace(evaluate, roller=roller)(policy(0), 0)
    assert found.recall == 0
    assert found.hit_rates[1] > 0
