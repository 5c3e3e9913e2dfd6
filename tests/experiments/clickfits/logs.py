"""Logs of known click models, and those models again as slow loops over results.

The loops follow the formulas of Chuklin, Markov & de Rijke, "Click Models for Web Search" (2015),
and the definitions of likelihood and perplexity of their implementation, PyClick.
"""

import math

import numpy as np

from experiments.clickfits.impressions import Impressions
from simulator.behaviour.clickmodels import DynamicBayesian

PAIRS, SLOTS = 20, 6


def attractions(pairs=PAIRS):
    """(pairs,) attraction, and chance to satisfy."""
    rng = np.random.default_rng(11)
    return rng.uniform(0.2, 0.8, pairs), rng.uniform(0.2, 0.8, pairs)


def simulated(model, pages, seed=0, slots=SLOTS, pairs=PAIRS, full=False):
    """Pages of random pairs, of different lengths, on both devices, clicked as a model has it."""
    rng = np.random.default_rng(seed)
    attraction_A, satisfaction_A = attractions(pairs)
    pair_PK = np.argsort(rng.random((pages, pairs)), axis=1)[:, :slots]
    length_P = np.full(pages, slots) if full else rng.integers(slots - 2, slots + 1, pages)
    real_PK = np.arange(slots) < length_P[:, None]
    device_P = rng.integers(0, 2, pages)  # as in the log: 0 phone, 1 desktop
    attraction_PK = np.where(real_PK, attraction_A[pair_PK], 0).astype(np.float32)
    luck_3PK = rng.random((3, pages, slots))
    more = ()
    if isinstance(model, DynamicBayesian):
        more = (luck_3PK[2] < satisfaction_A[pair_PK],)
    luck = luck_3PK[0].astype(np.float32), luck_3PK[1].astype(np.float32)
    _, clicked_PK = model(attraction_PK, device_P == 0, *luck, *more)
    return Impressions(np.where(real_PK, pair_PK, -1), clicked_PK, device_P, pairs)


def slow_chances(model, impressions):
    """By page, the chance of each click: before anything is known, and given the clicks above."""
    for page in range(len(impressions)):
        length = int(impressions.real_PK[page].sum())
        pair_K = impressions.pair_PK[page, :length].tolist()
        clicked_K = impressions.clicked_PK[page, :length].tolist()
        device = int(impressions.device_P[page])
        yield clicked_K, *_SLOW[model.name](model, pair_K, clicked_K, device)


def _pbm(model, pair_K, clicked_K, device):
    chance_K = [
        float(model.attraction_A[pair] * model.examination_DK[device, rank])
        for rank, pair in enumerate(pair_K)
    ]
    return chance_K, chance_K


def _read_on(satisfies, goes_on):
    def chances(model, pair_K, clicked_K, device):
        full_K, given_K, seen, given = [], [], 1.0, 1.0
        gamma = goes_on(model, device)
        for rank, pair in enumerate(pair_K):
            attraction, satisfaction = float(model.attraction_A[pair]), satisfies(model, pair)
            full_K.append(seen * attraction)
            seen *= gamma * (attraction * (1 - satisfaction) + 1 - attraction)
            given_K.append(given * attraction)
            if clicked_K[rank]:
                given = gamma * (1 - satisfaction)
            else:
                given = gamma * given * (1 - attraction) / (1 - given * attraction)
        return full_K, given_K

    return chances


def _ubm(model, pair_K, clicked_K, device):
    def chance(rank, last):
        return float(
            model.attraction_A[pair_K[rank]] * model.examination_DCK[device, last + 1, rank]
        )

    full_K, given_K, last_click = [], [], -1
    for rank in range(len(pair_K)):
        total = 0.0
        for last in range(-1, rank):
            between = 1.0
            for other in range(last + 1, rank):
                between *= 1 - chance(other, last)
            total += (full_K[last] if last >= 0 else 1.0) * between * chance(rank, last)
        full_K.append(total)
        given_K.append(chance(rank, last_click))
        if clicked_K[rank]:
            last_click = rank
    return full_K, given_K


_SLOW = {
    "pbm": _pbm,
    "cascade": _read_on(lambda model, pair: 1.0, lambda model, d: float(model.persistence_D[d])),
    "dbn": _read_on(
        lambda model, pair: float(model.satisfaction_A[pair]),
        lambda model, d: float(model.perseverance_D[d]),
    ),
    "ubm": _ubm,
}


def slow_measures(model, impressions):
    """(log-likelihood, its mean, perplexity by rank, perplexity)."""
    total, mean, pages = 0.0, 0.0, 0
    bits_K, shown_K = {}, {}
    for clicked_K, full_K, given_K in slow_chances(model, impressions):
        logs = [
            math.log(chance if clicked else 1 - chance)
            for clicked, chance in zip(clicked_K, given_K, strict=True)
        ]
        total += sum(logs)
        mean += sum(logs) / len(logs)
        pages += 1
        for rank, (clicked, chance) in enumerate(zip(clicked_K, full_K, strict=True)):
            bits_K[rank] = bits_K.get(rank, 0.0) + math.log(chance if clicked else 1 - chance, 2)
            shown_K[rank] = shown_K.get(rank, 0) + 1
    perplexity_K = [2 ** (-bits_K[rank] / shown_K[rank]) for rank in sorted(bits_K)]
    return total, mean / pages, perplexity_K, sum(perplexity_K) / len(perplexity_K)
