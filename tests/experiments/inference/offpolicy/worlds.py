"""Slots by hand, and small worlds of which every outcome can be counted.

A world lists all that a log may hold of one request, with probabilities. An estimator that is a sum
over requests then has its expectation exactly, and a log of any size is drawn from the list.
"""

from dataclasses import dataclass, fields, replace
from itertools import permutations, product

import numpy as np

from experiments.inference.offpolicy.generators import (
    explored,
    found_by,
    item_propensity,
    pair_propensity,
)
from experiments.inference.offpolicy.slots import Slots
from experiments.inference.offpolicy.totals import Totals

NAN = float("nan")


def slots_of(shopper, first, propensity, target, outcome, model, judged_model, chance=None):
    """Slots that the judged pages all fill; nothing is logged where the propensity is NaN."""
    propensity_N = np.array(propensity, float)
    judged_N = np.ones(len(propensity_N))
    return Slots(
        shopper_N=np.array(shopper),
        first_N=np.array(first, bool),
        logged_N=~np.isnan(propensity_N),
        propensity_N=propensity_N,
        target_N=np.array(target, float),
        outcomes_EN=np.array([outcome], float),
        model_EN=np.array([model], float),
        judged_N=judged_N,
        chance_N=judged_N if chance is None else np.array(chance, float),
        judged_model_EN=np.array([judged_model], float),
    )


def totals_of(*batches, shoppers):
    totals = Totals.empty(1, shoppers)
    for batch in batches:
        totals.add(batch)
    return totals


def drawn(totals, number_U):
    """The totals of other shoppers, each of whom is like one of these."""
    return replace(
        totals, **{each.name: getattr(totals, each.name)[..., number_U] for each in fields(totals)}
    )


@dataclass(frozen=True)
class Outcomes:
    """All outcomes O of one request: their probability, totals of each, and the true value."""

    chance_O: np.ndarray
    totals: Totals
    truth: float

    def mean(self, per_outcome_O):
        return float(self.chance_O @ per_outcome_O)

    def log(self, requests, rng):
        """The totals of as many requests, each of a shopper of its own."""
        return drawn(self.totals, rng.choice(len(self.chance_O), requests, p=self.chance_O))


PLACES = 2
CONTEXT_X = np.array([0.6, 0.4])
# Which of three channels find each of five items, by context; the third one is new, and finds alone
# one item that nobody knows.
SOURCES_XA = np.array([[0b001, 0b011, 0b110, 0b010, 0b100], [0b011, 0b001, 0b111, 0b100, 0b010]])
SCORE_XA = np.array([[5.0, 3.0, 4.0, 1.0, 2.0], [1.0, 2.0, 3.0, 5.0, 4.0]])
LIKING_XKA = np.array(
    [
        [[0.9, 0.3, 0.6, 0.2, 0.5], [0.5, 0.2, 0.4, 0.1, 0.3]],
        [[0.1, 0.4, 0.7, 0.8, 0.3], [0.1, 0.2, 0.5, 0.6, 0.2]],
    ]
)
OLD_G = np.array([0b001, 0b011])
"""The generator sets of the log's two arms."""
SHARE_G = np.array([0.3, 0.7])
RATE = 0.4


def candidates(context, generators):
    """Items that a set of channels finds, best first."""
    found_A = np.flatnonzero(SOURCES_XA[context] & generators)
    return found_A[np.argsort(-SCORE_XA[context, found_A])]


def pages(context, generators, rate):
    """Every page of a set of channels, with its probability."""
    best = candidates(context, generators)
    orders = list(permutations(best.tolist(), min(PLACES, len(best))))
    yield tuple(best[:PLACES].tolist()), 1 - rate
    yield from ((order, rate / len(orders)) for order in orders)


def chances(context, place, items_N, generators_G, rate):
    """(N, G) chance of each item at a place, by set of channels, as a funnel has it."""
    found_NG = found_by(SOURCES_XA[context, items_N], np.asarray(generators_G))
    ranked_G = [candidates(context, g) for g in generators_G]
    at_G = np.array([best[place] if place < len(best) else -1 for best in ranked_G])
    length_NG = np.broadcast_to([len(best) for best in ranked_G], found_NG.shape)
    here_NG = found_NG & (place < length_NG)
    return explored(here_NG, np.asarray(items_N)[:, None] == at_G, length_NG, rate=rate)


def judged_value(generators, rate, liking_XKA=LIKING_XKA):
    """The true value of a set of channels, page by page."""
    return sum(
        CONTEXT_X[x] * chance * liking_XKA[x, place, item]
        for x in range(len(CONTEXT_X))
        for page, chance in pages(x, generators, rate)
        for place, item in enumerate(page)
    )


def enumerated(
    judged, *, by="item", model_XKA=None, rate=0.0, direct_G=None, old=OLD_G, share=SHARE_G
):
    """Every outcome of a request of a log of several sets of channels, and what judges another set.

    Args:
        judged: bitmask of the channels that are judged.
        by: "item" or "pair": what has a weight.
        model_XKA: what the model predicts; none: zeros.
        rate: exploration of the judged pages.
        direct_G: what clicks are multiplied by on the pages of each logged set.
        old: sets of channels of the log.
        share: how often each of them is used.
    """
    model_XKA = np.zeros_like(LIKING_XKA) if model_XKA is None else model_XKA
    direct_G = np.ones(len(old)) if direct_G is None else np.asarray(direct_G)
    rows, chance = [], []
    for x, (g, generators) in product(range(len(CONTEXT_X)), enumerate(old)):
        for page, of_page in pages(x, generators, RATE):
            for clicks in product((0, 1), repeat=len(page)):
                liked = [direct_G[g] * LIKING_XKA[x, k, item] for k, item in enumerate(page)]
                of_clicks = [p if c else 1 - p for p, c in zip(liked, clicks, strict=True)]
                rows.append((x, g, page, clicks))
                chance.append(CONTEXT_X[x] * share[g] * of_page * np.prod(of_clicks))
    slots = [
        _of_outcome(o, *row, judged, by, model_XKA, rate, old, share) for o, row in enumerate(rows)
    ]
    whole = Slots(
        *(np.concatenate([getattr(each, f.name) for each in slots], axis=-1) for f in fields(Slots))
    )
    return Outcomes(np.array(chance), Totals.of(whole, len(rows)), judged_value(judged, rate))


def _of_outcome(number, x, g, page, clicks, judged, by, model_XKA, rate, old, share):
    """The slots of one outcome: those of the page, then every item that may be judged."""
    everything = np.arange(SOURCES_XA.shape[1])
    parts = []
    for place in range(PLACES):
        logged = place < len(page)
        items_N = np.concatenate([[page[place]] if logged else [0], everything])
        row_N = np.arange(len(items_N))
        target_N = chances(x, place, items_N, [judged], rate)[:, 0]
        chance_NG = chances(x, place, items_N, old, RATE)
        share_NG = np.broadcast_to(share, chance_NG.shape)
        if by == "item":
            log_N, mine_N = item_propensity(share_NG, chance_NG), np.ones(len(items_N))
        else:
            same = np.flatnonzero(np.asarray(old) == judged)
            at_N = np.where(row_N == 0, g, same[0] if len(same) else 0)
            log_N = pair_propensity(share_NG, chance_NG, at_N)
            mine_N = np.where(row_N == 0, old[g] == judged, len(same) > 0)
        first_row = row_N == 0
        model_N = model_XKA[x, place, items_N]
        parts.append(
            Slots(
                shopper_N=np.full(len(items_N), number),
                first_N=first_row & (place == 0),
                logged_N=first_row & logged,
                propensity_N=np.where(first_row & logged, log_N, NAN),
                target_N=target_N * mine_N * first_row * logged,
                outcomes_EN=np.where(first_row & logged, clicks[place] if logged else 0, 0.0)[None],
                model_EN=(model_N * (first_row & logged))[None],
                judged_N=np.where(first_row, 0.0, target_N),
                chance_N=log_N * mine_N * ~first_row,
                judged_model_EN=(np.where(first_row, 0.0, target_N) * model_N)[None],
            )
        )
    return Slots(
        *(np.concatenate([getattr(each, f.name) for each in parts], axis=-1) for f in fields(Slots))
    )
