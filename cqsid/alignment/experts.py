"""Groups of ids, and experts: ids that the log holds, which join a group as if generated."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.settings import AlgorithmSpec, ExpertSpec
from cqsid.rewards.logged import Logged
from cqsid.rewards.of_log import row_of, sums_behind
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Shop
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, DataError


@dataclass(frozen=True)
class Group:
    """G ids for each of B requests.

    Attributes:
        samples: the ids.
        expert_BG: injected ground truth, not generated.
        valid_BG: False for a place that is empty (a request with fewer experts): it has no reward,
            no advantage and no loss. Its codes are legal, so that they can be computed with.
        free_BGL: codes to learn from; False for codes that were forced (guided replay).
        propensity_BG: known probability that the log held an expert; 1 where it is not known.
    """

    samples: Samples
    expert_BG: NDArray[np.bool_]
    valid_BG: NDArray[np.bool_]
    free_BGL: NDArray[np.bool_]
    propensity_BG: NDArray[np.float32]

    @property
    def generated_BG(self) -> NDArray[np.bool_]:
        """Valid places that the policy itself generated."""
        return self.valid_BG & ~self.expert_BG

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All columns, for `Group.of`."""
        codes, sid = self.samples.codes_BGL, self.samples.sid_BG
        return codes, sid, self.expert_BG, self.valid_BG, self.free_BGL, self.propensity_BG

    @staticmethod
    def of(codes_BGL: Ints, sid_BG: Ints, *others: NDArray[Any]) -> "Group":
        """A group of its columns."""
        return Group(Samples(codes_BGL, sid_BG), *others)

    def take(self, place_BG: NDArray[np.integer]) -> "Group":
        """Some places of each request's group."""
        at = {2: place_BG, 3: place_BG[:, :, None]}
        return Group.of(*(np.take_along_axis(c, at[c.ndim], axis=1) for c in self.columns))


Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Keys = NDArray[np.int64]

_LEAST_PROPENSITY: Final = 1e-12  # of an id that the log could not hold: a ratio stays finite


def draw_experts(
    spec: ExpertSpec, logged: Logged, shop: Shop, *, rng: np.random.Generator, known: bool
) -> Group:
    """Draw K experts for each of B requests, evenly and without repeats, of its items' ids.

    An id counts as clicked if one of its items was, and as exposed only otherwise, so no id is
    drawn twice. Items without an id are left out. Places come clicked ids first.

    The known probability of an expert is taken to be `mu(id) = sum of p over its items / sum of p
    over all items`, over the items that the request exposed: p is the log's own propensity, times
    the simulated shopper's chance of a click for a clicked expert. It is that of one draw,
    whatever K is, and conditional on the list that was exposed: inferred, no paper gives it.

    Args:
        spec: how many, and from where.
        logged: B requests.
        shop: its ids; its oracle too, for known probabilities of clicked experts.
        rng: the luck of the draw.
        known: whether to look up probabilities.

    Returns:
        Groups of experts alone. Where a request has fewer, a place is not valid: its id is -1, its
        codes are those of the first id.

    Raises:
        DataError: the shop has no id.
        ConfigError: probabilities of clicked experts are asked for without an oracle.
    """
    ids = shop.ids
    half = (spec.count + 1) // 2  # of the places, the clicked ids come first
    first = {"clicks": spec.count, "exposures": 0, "mixed": half}[spec.source]
    _check(ids)
    clicked = _keys(logged.clicked, ids)
    shown = np.setdiff1d(_keys(logged.exposed, ids), clicked, assume_unique=True)
    drawn = [
        _drawn_BK(keys, len(logged), ids, count, rng)
        for keys, count in ((clicked, first), (shown, spec.count - first))
    ]
    sid_BK = np.concatenate(drawn, axis=1)
    propensity_BK = np.ones(sid_BK.shape, np.float32)
    if known:
        for places, clicks in ((slice(first), True), (slice(first, None), False)):
            if sid_BK[:, places].size:
                propensity_BK[:, places] = _known_BK(sid_BK[:, places], logged, shop, clicks=clicks)
    valid_BK = sid_BK >= 0
    codes_BKL = ids.sids_SL[np.where(valid_BK, sid_BK, 0)]
    propensity_BK = np.where(valid_BK, propensity_BK, np.float32(1))
    ones_BKL = np.ones(codes_BKL.shape, np.bool_)
    return Group.of(codes_BKL, sid_BK, ones_BKL[..., 0], valid_BK, ones_BKL, propensity_BK)


def forced_codes(logged: Logged, ids: SemanticIds, levels: int, rng: np.random.Generator) -> Ints:
    """(B, L) the first `levels` codes of an id that the request led to; -1: free.

    The id is drawn evenly among those of the clicked items; of the exposed ones where no clicked
    item has an id; where none of them has one, all codes are free.

    Raises:
        ConfigError: no code would be left to learn from.
        DataError: there is no id.
    """
    if not 0 <= levels < ids.levels:
        wanted = f"must be 0 to {ids.levels - 1}: the rest of an id is learned from"
        raise ConfigError(f"guided_levels == {levels}, {wanted}")
    forced_BL = np.full((len(logged), ids.levels), -1, np.int32)
    if not levels:
        return forced_BL
    _check(ids)
    clicked_B, shown_B = (
        _drawn_BK(_keys(items, ids), len(logged), ids, 1, rng)[:, 0]
        for items in (logged.clicked, logged.exposed)
    )
    sid_B = np.where(clicked_B >= 0, clicked_B, shown_B)
    forced_BL[:, :levels] = np.where(sid_B[:, None] >= 0, ids.sids_SL[sid_B, :levels], -1)
    return forced_BL


def expanded(rollouts: Samples, experts: Group, free_BGL: Bools) -> Group:
    """The generated ids with the experts behind them: G + K places.

    Args:
        rollouts: generated ids.
        experts: of the same requests.
        free_BGL: codes of the rollouts that were generated, not forced. All codes of an expert are
            learned from.
    """
    ones_BG = np.ones(rollouts.shape, np.bool_)
    own = Group(rollouts, ~ones_BG, ones_BG, free_BGL, ones_BG.astype(np.float32))
    pairs = zip(own.columns, experts.columns, strict=True)
    return Group.of(*(np.concatenate(pair, axis=1) for pair in pairs))


def injected(spec: AlgorithmSpec, group: Group, rewards_BG: NDArray[np.floating]) -> Group:
    """The group that is learned from; `group` itself where nothing changes.

    With `only_absent` an expert whose id the policy generated is no longer valid. With
    `replace_worst` each expert takes the place of the generated id with the least reward (of
    equal ones, the later), so that `spec.group` places remain, all of them valid. With "add" and
    "within" all places stay: whether the policy generated fewer was settled before.

    Args:
        spec: the algorithm.
        group: the generated ids with all experts.
        rewards_BG: reward of each; those of invalid places are not read.
    """
    experts = spec.experts
    if experts.only_absent:
        there_BG = group.expert_BG & group.valid_BG & _generated_too_BG(group)
        if there_BG.any():
            group = replace(group, valid_BG=group.valid_BG & ~there_BG)
    if experts.place != "replace_worst" or group.expert_BG.shape[1] <= spec.group:
        return group
    return group.take(_best_places_BG(group, rewards_BG, spec.group))


def present_B(samples: Samples, generated_BG: Bools, logged: Logged, ids: SemanticIds) -> Bools:
    """(B,) whether the policy itself generated the id of a clicked item.

    Args:
        samples: the group.
        generated_BG: its places that the policy generated.
        logged: the same requests.
        ids: the id table.
    """
    clicked = logged.clicked
    found_BG = sums_behind(samples.sid_BG, row_of(clicked), ids.sid_I[clicked.values]) > 0
    return np.asarray((found_BG & generated_BG).any(axis=1))


def _check(ids: SemanticIds) -> None:
    if not len(ids.sids_SL):
        raise DataError("shop.ids == no id, must have at least one")


def _keys(items: Ragged, ids: SemanticIds) -> Keys:
    """The distinct pairs of request and id, as request * S + id, in order."""
    sid_T = ids.sid_I[items.values]
    return np.unique((row_of(items) * len(ids.sids_SL) + sid_T)[sid_T >= 0])


def _drawn_BK(
    keys: Keys, requests: int, ids: SemanticIds, count: int, rng: np.random.Generator
) -> Ints:
    """(B, count) an even draw among each request's ids, -1 padded."""
    row_P, sid_P = np.divmod(keys, len(ids.sids_SL))
    order = np.lexsort((rng.random(len(keys)), row_P))
    rank_P = np.arange(len(keys)) - np.searchsorted(row_P, row_P)
    kept = rank_P < count  # rows are in order already, so a rank belongs to its place in `order`
    drawn_BK = np.full((requests, count), -1, np.int32)
    drawn_BK[row_P[kept], rank_P[kept]] = sid_P[order][kept]
    return drawn_BK


def _known_BK(sid_BK: Ints, logged: Logged, shop: Shop, *, clicks: bool) -> Floats:
    """Known probability of each expert under the log."""
    row_X = row_of(logged.exposed)
    weight_X = _weight_X(logged, shop, row_X, clicks=clicks)
    total_B1 = np.bincount(row_X, weight_X, minlength=len(logged))[:, None]
    sum_BK = sums_behind(sid_BK, row_X, shop.ids.sid_I[logged.exposed.values], weight_X)
    mu_BK = np.divide(sum_BK, total_B1, out=np.zeros(sum_BK.shape), where=total_B1 > 0)
    return np.maximum(mu_BK, _LEAST_PROPENSITY).astype(np.float32)


def _weight_X(
    logged: Logged, shop: Shop, row_X: NDArray[np.int64], *, clicks: bool
) -> NDArray[np.float64]:
    """How likely each exposed item was to be shown, and to be clicked if that is asked for."""
    weight_X = logged.propensity.astype(np.float64)
    if not clicks:
        return weight_X
    oracle, exposed = shop.asked_oracle("off_policy"), logged.exposed
    column_X = np.arange(len(row_X)) - exposed.pointer[row_X]
    items_BW = np.full((len(logged), int(exposed.lengths.max(initial=0))), -1, np.int32)
    items_BW[row_X, column_X] = exposed.values
    chance_BW = oracle.expected(logged.requests, items_BW, "click")
    return np.asarray(weight_X * chance_BW[row_X, column_X].astype(np.float64))


def _generated_too_BG(group: Group) -> Bools:
    """Places whose id the policy generated, in the same group."""
    sid_BG = group.samples.sid_BG
    generated_BG = group.generated_BG & (sid_BG >= 0)
    same_BGG = sid_BG[:, :, None] == sid_BG[:, None, :]
    return np.asarray((same_BGG & generated_BG[:, None, :]).any(axis=2))


def _best_places_BG(group: Group, rewards_BG: NDArray[np.floating], size: int) -> Keys:
    """(B, size) valid experts first, then the best generated ids; in the order of the group."""
    invalid_BG = ~group.valid_BG
    rank_BG = np.where(group.expert_BG, 0, 1) + 2 * invalid_BG
    worth_BG = np.where(group.expert_BG | invalid_BG, 0.0, -rewards_BG.astype(np.float64))
    return np.sort(np.lexsort((worth_BG, rank_BG), axis=1)[:, :size], axis=1)
