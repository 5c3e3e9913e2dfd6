"""The values of the tiny market by hand: every pattern of luck, and games by their definitions.

Nothing of the simulator is used but its settings. A page's values are sums over all patterns of
looking and liking, and over all orders in which the clocks of a choice ring. The simulator keeps
chances of looking and clicking in single precision, so they are rounded to it here, too.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from experiments.attribution.incremental.games import Index
from simulator.behaviour.clickmodels import DynamicBayesian
from simulator.behaviour.settings import BehaviorSpec
from tests.experiments.tiny.market import (
    BASE_S,
    BRAND_I,
    CATEGORY_I,
    CLICK_MODELS,
    DEADLINE_S,
    FOUND,
    KINDS,
    PER_ITEM_S,
    PRICE_I,
    QUALITY_I,
    RATING_I,
    SCORE_TI,
    SECONDS,
    SHARE_H,
    TEXTS,
    VALUES_I,
    VECTOR_I,
    WANTED,
    Kind,
    behavior,
)
from tests.simulator.behaviour.clickpatterns import click_patterns

EVENTS = ("exposure", "click", "cart", "purchase", "gmv")


def utility(spec: BehaviorSpec, kind: Kind, text: int, item: int) -> tuple[float, float]:
    """Perceived and true utility of an item to a shopper with a need."""
    category, wanted = WANTED[text]
    match = 0.0
    if CATEGORY_I[item] == category:
        having = sum(value in VALUES_I[item] for value in wanted)
        match = 0.5 + 0.5 * (having / len(wanted) if wanted else 1.0)
    common = spec.match * match + spec.taste * kind.taste * VECTOR_I[item]
    common += kind.loyalty * (BRAND_I[item] == kind.favourite and BRAND_I[item] >= 0)
    return common + spec.quality * (RATING_I[item] - 4.0), common + spec.quality * QUALITY_I[item]


def shown(
    channels: frozenset[str], text: int, slots: int, *, slow: bool
) -> tuple[list[int], float]:
    """The page that these channels make, and the seconds that it takes."""
    took = {channel: SECONDS[channel] if slow else 0.0 for channel in channels}
    in_time = [channel for channel in channels if took[channel] <= DEADLINE_S]
    found = {item for channel in in_time for item in FOUND[channel][text]}
    page = sorted(found, key=lambda item: (-SCORE_TI[text, item], item))[:slots]
    waited = min(max(took.values(), default=0.0), DEADLINE_S)
    return page, waited + BASE_S + PER_ITEM_S * len(found)


def click_sets(
    spec: BehaviorSpec, phone: bool, likes: Sequence[float], trues: Sequence[float]
) -> dict[int, tuple[float, float]]:
    """Of each set of clicked slots (bit k: slot k), its chance, and that of being discontent then.

    Args:
        likes: chance of a click on each slot that is looked at.
        trues: true utility of each.
    """
    contents = [float(expit(true - spec.satisfaction)) for true in trues]
    chances: dict[int, float] = defaultdict(float)
    ended: dict[int, float] = defaultdict(float)
    for (slots, content), odds in click_patterns(spec.click_model, phone, likes, contents).items():
        mask = sum(1 << slot for slot in slots)
        chances[mask] += odds
        ended[mask] += odds * content
    sets = {}
    for mask, chance in chances.items():
        best = max((true for slot, true in enumerate(trues) if mask >> slot & 1), default=-math.inf)
        discontent = float(expit(spec.satisfaction - best))
        if isinstance(spec.click_model, DynamicBayesian):
            discontent = 1.0 - ended[mask] / chance if chance else 1.0
        sets[mask] = chance, discontent
    return sets


def place_chances(
    rates: Sequence[float], nothing: float, no_more: float = 1.0
) -> NDArray[np.float64]:
    """(2, n) chance that each of n things is first, before nothing is chosen; and is second.

    The best of utilities with Gumbel shocks is the first of exponential clocks that ring at rate
    exp(utility); so every order of the clocks has the chance of drawing without replacement by
    rate (Plackett 1975, Luce 1959).

    Args:
        nothing: rate of the clock that must not ring before the first thing.
        no_more: rate of the clock that must not ring before the second one.
    """
    chances, clocks = np.zeros((2, len(rates))), [*rates, nothing, no_more]
    for order in permutations(range(len(clocks))):
        chance = 1.0
        for at, clock in enumerate(order):
            chance *= clocks[clock] / sum(clocks[other] for other in order[at:])
        things = [clock for clock in order if clock < len(rates)]
        place = {clock: at for at, clock in enumerate(order)}
        if things and place[things[0]] < place[len(rates)]:
            chances[0, things[0]] += chance
            if len(things) > 1 and place[things[1]] < place[len(rates) + 1]:
                chances[1, things[1]] += chance
    return chances


@cache
def outcome(model: "Model", kind: int, text: int, channels: frozenset[str]) -> NDArray[np.float64]:
    """(5, slots) expected events of `EVENTS` in each slot of one visit's page."""
    spec, who = model.spec, KINDS[kind]
    page, seconds = shown(channels, text, who.slots, slow=model.slow)
    expected_EK = np.zeros((len(EVENTS), who.slots))
    stays = math.exp(-seconds / who.tolerance)
    seen, worth, trues = [], [], []
    for item in page:
        perceived, true = utility(spec, who, text, item)
        trues.append(true)
        seen.append(float(expit(np.float32(perceived - spec.click_cost))))
        worth.append(math.exp(true - spec.outside))
    expected_EK[0, : len(page)] = stays
    units = 1 / (1 - spec.repeat_quantity)
    for clicked, (chance, _) in click_sets(spec, who.phone, seen, trues).items():
        slots = [slot for slot in range(len(page)) if clicked >> slot & 1]
        rates = [worth[slot] for slot in slots]
        first_K, second_K = place_chances(rates, 1.0, math.exp(spec.basket_cost))
        best_K = place_chances(rates, math.exp(-spec.cart_margin))[0]
        for at, slot in enumerate(slots):
            carted = best_K[at] + second_K[at]
            bought = first_K[at] + second_K[at]
            money = PRICE_I[page[slot]] * (units * first_K[at] + second_K[at])
            expected_EK[1:, slot] += stays * chance * np.array([1.0, carted, bought, money])
    return expected_EK


@dataclass(frozen=True)
class Model:
    """A shop and a way of behaving in it whose exact values are known.

    Attributes:
        click_model: one of `CLICK_MODELS`.
        basket_cost: 60 makes baskets of one item.
        slow: whether channels take their time.
    """

    click_model: str = "pbm"
    basket_cost: float = 0.25
    slow: bool = False
    spec: BehaviorSpec = field(init=False, compare=False)

    def __post_init__(self) -> None:
        model = CLICK_MODELS[self.click_model]
        object.__setattr__(self, "spec", behavior(model, self.basket_cost))

    def page(self, kind: int, text: int, channels: Sequence[str]) -> NDArray[np.float64]:
        """(5, slots) expected events in each slot of a visit's page."""
        return outcome(self, kind, text, frozenset(channels))

    def visit(self, channels: Sequence[str]) -> NDArray[np.float64]:
        """(5, kinds, texts) expected events of one visit."""
        kinds, texts = range(len(KINDS)), range(len(TEXTS))
        rows = [[self.page(h, t, channels).sum(axis=1) for t in texts] for h in kinds]
        return np.moveaxis(np.array(rows), 2, 0)

    def shopper(self, channels: Sequence[str]) -> NDArray[np.float64]:
        """(5, kinds) expected events of one shopper."""
        wants_HT = np.array([kind.wants for kind in KINDS])
        visits_H = np.array([kind.visits for kind in KINDS])
        return np.einsum("eht,ht,h->eh", self.visit(channels), wants_HT, visits_H)

    def population(self, channels: Sequence[str]) -> NDArray[np.float64]:
        """(5,) expected events of a shopper whose type is not known."""
        return self.shopper(channels) @ SHARE_H

    def credit(self, rule: str, channels: Sequence[str], channel: str) -> NDArray[np.float64]:
        """(5,) expected credit of a channel in the log of a shopper whose type is not known."""
        credit_E = np.zeros(len(EVENTS))
        for (h, kind), text in product(enumerate(KINDS), range(len(TEXTS))):
            page, _ = shown(frozenset(channels), text, kind.slots, slow=self.slow)
            parts_K = np.zeros(kind.slots)
            parts_K[: len(page)] = [part(rule, channels, text, item, channel) for item in page]
            visits = kind.share * kind.visits * kind.wants[text]
            credit_E += visits * self.page(h, text, channels) @ parts_K
        return credit_E


def part(rule: str, channels: Sequence[str], text: int, item: int, channel: str) -> float:
    """What a rule gives a channel of an event of an item that these channels found, in time."""
    rank = {name: FOUND[name][text].index(item) for name in channels if item in FOUND[name][text]}
    if channel not in rank:
        return 0.0
    best = [name for name in rank if rank[name] == min(rank.values())]
    first = next(name for name in FOUND if name in rank)  # the order of the bits
    return {
        "any_touch": 1.0,
        "exclusive": float(len(rank) == 1),
        "first": float(channel == first),
        "best_rank": (channel in best) / len(best),
        "fractional": 1 / len(rank),
    }[rule]


def coalitions(players: Sequence[str]) -> list[frozenset[str]]:
    """All coalitions, in the order of their bits among the players."""
    return [
        frozenset(name for bit, name in enumerate(players) if mask >> bit & 1)
        for mask in range(2 ** len(players))
    ]


Game = dict[frozenset[str], NDArray[np.float64]]
"""By coalition, what it brings."""


def leave_one_out(worths: Game, players: Sequence[str], player: str) -> NDArray[np.float64]:
    everybody = frozenset(players)
    return worths[everybody] - worths[everybody - {player}]


def alone(worths: Game, player: str) -> NDArray[np.float64]:
    return worths[frozenset({player})] - worths[frozenset()]


def shapley(worths: Game, players: Sequence[str], player: str) -> NDArray[np.float64]:
    """The mean over all orders of what the player adds to those before it (Shapley 1953)."""
    added = []
    for order in permutations(players):
        before = frozenset(order[: order.index(player)])
        added.append(worths[before | {player}] - worths[before])
    return np.mean(added, axis=0)


def interaction(
    worths: Game, players: Sequence[str], player: str, other: str
) -> NDArray[np.float64]:
    """The mean over all orders of the others and of the pair as one of what they add together
    beyond each (the interaction index of Grabisch and Roubens 1999, as Owen's of a merged pair)."""
    rest = [name for name in players if name not in (player, other)]
    added = []
    for order in permutations([*rest, "pair"]):
        before = frozenset(order[: order.index("pair")])
        both, one, two = before | {player, other}, before | {player}, before | {other}
        added.append(worths[both] - worths[one] - worths[two] + worths[before])
    return np.mean(added, axis=0)


def by_definition(worths: Game, players: Sequence[str], index: Index) -> NDArray[np.float64]:
    """An index of a game."""
    one = players[index.channel]
    match index.kind:
        case "total":
            return worths[frozenset(players)]
        case "leave_one_out":
            return leave_one_out(worths, players, one)
        case "alone":
            return alone(worths, one)
        case "shapley":
            return shapley(worths, players, one)
        case "interaction":
            return interaction(worths, players, one, players[index.other])
