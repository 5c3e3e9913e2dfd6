"""The conformance suite of a reward, run on a tiny shop; `funnelab check reward` runs it too."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cqsid.rewards.fixtures import groups_of, sample_groups, sample_logged, sample_shop
from cqsid.rewards.logged import Logged
from cqsid.rewards.registry import REWARD
from cqsid.rewards.reward import (
    Component,
    Floats,
    LevelReward,
    Reward,
    RewardFault,
    Samples,
    validated,
)
from cqsid.rewards.shop import Shop
from recall.arrays import Ragged
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import FunnelabError
from simulator.plugins import Violation

_TOLERANCE = 1e-5  # relative and absolute: last bits may depend on the shape of a batch
_ALONE = "not depend on the other requests of the batch"
_ALL = slice(None)


def check_reward(
    made_by: Any, options: dict[str, Any] | None = None, catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which a reward breaks the contract; [] if none.

    It is asked about ordinary and hostile requests and ids of a tiny shop, twice, singly, with
    ids and requests in another order, of one id, of nobody, and with arrays that cannot be
    written to.

    Args:
        made_by: a function `reward(logged, samples, shop)`, a class that makes such a callable,
            the settings of a reward, or any other callable of that signature.
        options: keyword arguments for the class or each call of the function.
        catalog: the items; None: those of the tiny shop.
    """
    judges = made_by.asked_judges() if isinstance(made_by, Component) else ()
    shop = sample_shop(catalog, judges)
    try:
        if isinstance(made_by, Component):
            made_by.check_shop(shop, "reward")
            reward = made_by.made()
        else:
            name = getattr(made_by, "__name__", type(made_by).__name__)
            reward = REWARD.made(made_by, name, options=options or {})
    except FunnelabError as error:
        return [Violation("reward", str(error), "be made")]
    return _Check(reward, shop, sample_logged(catalog=catalog)).run()


class _Check:
    """The checks of one reward."""

    def __init__(self, reward: Reward, shop: Shop, logged: Logged) -> None:
        self._reward = reward
        self._shop = shop
        self._logged = logged
        self._samples = sample_groups(self._logged, shop)

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where a plain batch already fails."""
        findings = list(self._asked("reward()", self._logged, self._samples))
        if not findings:
            for check in (self._hostile, self._orders, self._pickled):
                findings += check()
        return findings

    def _values(self, logged: Logged, samples: Samples, reward: Reward | None = None) -> Floats:
        """What the reward answers; with what it says of single codes, if it does, behind it."""
        reward = self._reward if reward is None else reward
        values_BG = validated(call("reward()", reward, logged, samples, self._shop), samples.shape)
        if not isinstance(reward, LevelReward):
            return values_BG[..., None]
        answer = call("levels()", reward.levels, logged, samples, self._shop)
        values_BGL = validated(answer, samples.codes_BGL.shape)
        return np.concatenate([values_BG[..., None], values_BGL], axis=2)

    def _asked(self, place: str, logged: Logged, samples: Samples) -> Iterator[Violation]:
        try:
            self._values(logged, samples)
        except RewardFault as fault:
            yield Violation(f"{place}.{fault.place}", fault.found, f"be {fault.wanted}")
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _hostile(self) -> Iterator[Violation]:
        logged, samples, shop = self._logged, self._samples, self._shop
        shape, rows = samples.shape, np.arange(len(logged))
        nothing = Ragged(np.zeros(0, np.int32), np.zeros(len(logged) + 1, np.int64))
        silent = replace(
            logged, clicked=nothing, bought=nothing, spent_B=np.zeros_like(logged.spent_B)
        )
        unseen = replace(silent, exposed=nothing, propensity=np.zeros(0, np.float32))
        textless = replace(logged.requests, texts=("",) * len(logged.requests.texts))
        sold_out = np.full(shape, len(shop.ids.sids_SL) - 2, np.int32)
        nobody = rows[:0].astype(np.int64)
        for place, asked, group in (
            ("ids of no item", logged, groups_of(np.full(shape, -1, np.int32), shop)),
            ("ids without items on sale", logged, groups_of(sold_out, shop)),
            ("requests without clicks", silent, samples),
            ("requests that were shown nothing", unseen, samples),
            ("empty texts", replace(logged, requests=textless), samples),
            ("a group of one id", logged, _taken(samples, rows, slice(0, 1))),
            ("no requests", logged.rows(nobody), _taken(samples, nobody, _ALL)),
        ):
            yield from self._asked(f"reward({place})", asked, group)

    def _orders(self) -> Iterator[Violation]:
        logged, samples = self._logged, self._samples
        rng, rows = np.random.default_rng(1), np.arange(len(logged))
        whole = self._values(logged, samples)
        order, places = rng.permutation(len(logged)), rng.permutation(samples.shape[1])

        def asked(rows: NDArray[np.int64]) -> Floats:
            return self._values(logged.rows(rows), _taken(samples, rows, _ALL))

        def singly() -> Floats:
            return np.concatenate([asked(rows[b : b + 1]) for b in rows])

        def moved() -> Floats:
            return self._values(logged, _taken(samples, rows, places))

        for place, answer, wanted, must in (
            ("asked singly", singly, whole, _ALONE),
            ("of requests in another order", lambda: asked(order), whole[order], _ALONE),
            ("of ids in another order", moved, whole[:, places], "follow the ids of a group"),
        ):
            yield from _compared(f"reward() {place}", answer, wanted, must)
        again = "be a function of its arguments"
        if not np.array_equal(self._values(logged, samples), whole):
            yield Violation("reward() asked twice", "another answer", again)

    def _pickled(self) -> Iterator[Violation]:
        try:
            copy: Reward = pickle.loads(pickle.dumps(self._reward))
            found = self._values(self._logged, self._samples, copy)
        except Exception as error:
            yield Violation.raised("pickle", error, "keep the reward")
            return
        if not np.array_equal(found, self._values(self._logged, self._samples)):
            yield Violation("pickle", "another answer", "keep the reward")


def _compared(
    place: str, answer: Callable[[], Floats], wanted: Floats, must: str
) -> Iterator[Violation]:
    try:
        found = answer()
    except Exception as error:
        yield Violation.raised(place, error, "answer")
        return
    if not np.allclose(found, wanted, rtol=_TOLERANCE, atol=_TOLERANCE):
        yield Violation(place, "another answer", must)


def _taken(samples: Samples, rows: NDArray[np.integer], places: Any) -> Samples:
    """Some requests' samples, and some places of each group."""
    return Samples(samples.codes_BGL[rows][:, places], samples.sid_BG[rows][:, places])
