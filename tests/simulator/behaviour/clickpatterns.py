"""Every set of clicks of a small page with its chance, by plain words of the papers."""

from collections import defaultdict

import numpy as np
from scipy.special import expit

from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing


def click_patterns(model, phone, attraction_K, content_K):
    """{(clicked slots, whether one of the clicks made content): chance}.

    Content is told of the dynamic Bayesian model alone; of others it is False.
    """
    found = defaultdict(float)
    columns = (tuple(float(value) for value in column_K) for column_K in (attraction_K, content_K))
    _read(model, bool(phone), *columns, 0, (), False, 1.0, found)
    return dict(found)


def _read(model, phone, attraction_K, content_K, slot, clicked, content, chance, found):
    """Slot by slot: is it looked at, is it clicked, does that end the reading?"""
    if chance == 0.0:
        return
    if slot == len(attraction_K):
        found[clicked, content] += chance
        return
    look = _look(model, phone, slot, clicked, len(attraction_K))
    rest = (model, phone, attraction_K, content_K, slot + 1)
    if isinstance(model, Cascade | DynamicBayesian):
        found[clicked, content] += chance * (1 - look)  # reads no further
    else:
        _read(*rest, clicked, content, chance * (1 - look), found)
    _read(*rest, clicked, content, chance * look * (1 - attraction_K[slot]), found)
    clicks, more = chance * look * attraction_K[slot], (*clicked, slot)
    if isinstance(model, Cascade):
        found[more, False] += clicks
    elif isinstance(model, DynamicBayesian):
        found[more, True] += clicks * content_K[slot]
        _read(*rest, more, False, clicks * (1 - content_K[slot]), found)
    else:
        _read(*rest, more, False, clicks, found)


def _look(model, phone, slot, clicked, slots):
    """Chance to look at a slot, having come so far; single precision is the simulator's."""
    if isinstance(model, PositionBased):
        eta = model.eta_phone if phone else model.eta_desktop
        return float((np.arange(1, slots + 1, dtype=np.float32) ** -np.float32(eta))[slot])
    if isinstance(model, UserBrowsing):
        last = clicked[-1] + 1 if clicked else 0
        eta = model.eta_phone if phone else model.eta_desktop
        theta = model.theta_phone if phone else model.theta_desktop
        return float(np.float32((slot + 1) ** -eta * (slot + 1 - last) ** -theta))
    if slot == 0:
        return 1.0
    if isinstance(model, Cascade):
        return model.persistence_phone if phone else model.persistence_desktop
    return model.perseverance_phone if phone else model.perseverance_desktop


def logit_of(gains_N, basket):
    """First and second choice, and the cart, where all N items are clicked.

    Who rings first, and who then: two outside options ring besides, of which the first one is over
    once an item leads, and the other one must not ring before the second item.
    """
    rate_N, hurdle = np.exp(gains_N), np.exp(basket.second)
    first_N = rate_N / (1 + rate_N.sum())
    best_N = rate_N / (np.exp(-basket.margin) + rate_N.sum())
    second_N = np.zeros(len(rate_N))
    for leader in range(len(rate_N)):
        others = np.delete(np.arange(len(rate_N)), leader)
        leads = rate_N[leader] / (1 + hurdle + rate_N.sum())
        second_N[others] += leads * rate_N[others] / (hurdle + rate_N[others].sum())
    return first_N, second_N, best_N + second_N


def enumerated(model, phone, attraction_K, gain_K, basket, threshold, taste_K=None):
    """(clicks, clickless, first, second, open, carted) over all sets of clicks.

    Args:
        threshold: gain that makes content one half of those who click.
        taste_K: shocks of the items; None: over all of them.
    """
    slots = len(attraction_K)
    content_K = expit(np.array(gain_K) - threshold)
    sums_4K, clickless, left_open = np.zeros((4, slots)), 0.0, 0.0
    for (clicked, content), chance in click_patterns(model, phone, attraction_K, content_K).items():
        at = list(clicked)
        sums_4K[0, at] += chance
        chosen_3N = _chosen(np.array(gain_K)[at], basket, taste_K, at)
        sums_4K[1:, at] += chance * np.array(chosen_3N)
        discontent = 1.0
        if isinstance(model, DynamicBayesian):
            discontent = 0.0 if content else 1.0
        elif at:
            discontent = expit(threshold - max(gain_K[slot] for slot in at))
        left_open += chance * discontent * (1 - chosen_3N[0].sum())
        clickless += chance * (not at)
    return sums_4K[0], clickless, sums_4K[1], sums_4K[2], left_open, sums_4K[3]


def _chosen(gain_N, basket, taste_K, at):
    """Chances of being first and second among what was clicked, and of the cart."""
    if taste_K is None:
        return logit_of(gain_N, basket)
    return known_logit_of(gain_N + taste_K[at], basket)


def known_logit_of(value_N, basket):
    """`logit_of` where only the luck of the two outside options is not known."""
    below = lambda value: np.exp(-np.exp(-value))  # noqa: E731
    first_N, second_N, carted_N = np.zeros((3, len(value_N)))
    order = np.argsort(-value_N, kind="stable")
    if len(order):
        first_N[order[0]] = below(value_N[order[0]])
        carted_N[order[0]] = below(value_N[order[0]] + basket.margin)
    if len(order) > 1:
        joins = first_N[order[0]] * below(value_N[order[1]] - basket.second)
        second_N[order[1]] = carted_N[order[1]] = joins
    return first_N, second_N, carted_N
