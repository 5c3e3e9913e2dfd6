"""The simulated shoppers behind a log, asked what they would do: the lab's one latent door.

Only a simulation has this. It is the yardstick of the lab, the teacher of rewards that say that
they ask it, and never an input of a channel or ranker.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
from numpy.typing import NDArray
from scipy.special import expit

from cqsid.rewards.shop import Outcome
from simulator.behaviour.utility import Utility
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, DataError
from simulator.living.settings import WorldSpec
from simulator.living.world import Population
from simulator.protocols import REQUEST_BITS, SESSION_BITS, Index, Requests
from simulator.randomness import Draws
from simulator.shoppers.memory import OWNED_KEPT
from simulator.shoppers.needs import Needs

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_SPREAD_REQUESTS = 4_096  # requests that tell the unit of noise; its error is then about 1 %
_TICK_BITS = 32

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class LoggedNeeds:
    """The latent needs behind the requests of a log, as the world knew them.

    Args:
        log: log folder of a world that began with an empty memory.
        refresh: `WorldSpec.index_refresh` (s). A world plans the requests of such an interval at
            its start, so a purchase is remembered from the next interval on.

    Raises:
        DataError: the folder is no such log, or its latent table is gone.
    """

    def __init__(self, log: Path, refresh: float) -> None:
        _check_from_the_first_day(log)
        self._log, self._refresh = log, refresh
        latent = _columns(log, "latent", "request", "intent", "need")
        order_R = np.argsort(latent["request"], kind="stable")
        self._request_R = latent["request"][order_R].astype(np.int64)
        self._intent_R, self._need_R = latent["intent"][order_R], latent["need"][order_R]
        orders = _columns(log, "orders", "shopper", "item", "at")
        order_O = np.lexsort((orders["at"], orders["shopper"]))
        self._key_O = self._keys(orders["shopper"][order_O], orders["at"][order_O])
        self._item_O = np.append(orders["item"][order_O], -1).astype(np.int32)

    def behind(self, id_B: Rows, at_B: NDArray[np.float64]) -> Needs:
        """What stands behind B requests of the log.

        Args:
            id_B, at_B: their ids and times (simulated seconds).

        Raises:
            DataError: the log does not hold one of them.
        """
        row_B = np.searchsorted(self._request_R, id_B)
        known_B = row_B < len(self._request_R)
        known_B[known_B] = self._request_R[row_B[known_B]] == id_B[known_B]
        if not known_B.all():
            unknown = id_B[~known_B][0]
            raise DataError(f"requests.id_B == {unknown}, must be a request of {self._log}")
        session_B = id_B >> REQUEST_BITS
        shopper_B = session_B >> SESSION_BITS
        return Needs(
            shopper_B=shopper_B,
            session_B=session_B & ((1 << SESSION_BITS) - 1),
            request_B=id_B & ((1 << REQUEST_BITS) - 1),
            need_B=self._need_R[row_B].astype(np.int64),
            intent_B=self._intent_R[row_B].astype(np.int64),
            at_B=at_B,
            owned_BM=self._owned(shopper_B, at_B),
        )

    def _owned(self, shopper_B: Rows, at_B: NDArray[np.float64]) -> Ints:
        """(B, OWNED_KEPT) what each shopper remembers to have bought, newest first, -1 padded."""
        first_B = np.searchsorted(self._key_O, shopper_B << _TICK_BITS)
        after_B = np.searchsorted(self._key_O, self._keys(shopper_B, at_B))
        place_BM = after_B[:, None] - 1 - np.arange(OWNED_KEPT)
        item_BM = self._item_O[np.maximum(place_BM, 0)]
        return np.where(place_BM >= first_B[:, None], item_BM, -1).astype(np.int32)

    def _keys(self, shopper_B: NDArray[np.integer], at_B: NDArray[np.float64]) -> Rows:
        """One number for a shopper and an interval, in the order of both."""
        tick_B = (at_B // self._refresh).astype(np.int64)
        return (shopper_B.astype(np.int64) << _TICK_BITS) | tick_B


class SimulatedOracle:
    """`cqsid.rewards.shop.Oracle` of a world.

    What an item would bring a request if it were looked at, alone:

    - "click": `expit(perceived utility - click_cost)`, the attraction that the click models of
      `simulator.behaviour.clickmodels` give an examined result (a user's own click model may not).
    - "purchase": times `expit(true utility - outside)`, the chance that a sole clicked item
      beats buying nothing: the difference of two Gumbel shocks is logistic.
    - "gmv": times the price and the mean units of a purchase, `1 / (1 - repeat_quantity)`.

    Stock is not asked for, and a page that comes too slowly is not looked at.

    Noise is that of a reward model that errs: a normal draw that belongs to the pair of a request
    and an item and is the same whenever it is asked for, whatever else is. Its unit is the spread
    within requests: the root mean square, over requests of the log, of the deviations of the
    exposed items' values from their request's mean. With noise, values may leave [0, 1].

    Args:
        population: the world's latent truth.
        spec: the world's settings.
        log: log folder of that world, which began with an empty memory.
        index: prices that shoppers see and pay.
        draws: the luck of the noise.
        noise: standard deviation of the noise, in its unit.

    Raises:
        DataError: the folder is no such log, or its latent table is gone.
        ConfigError: the noise is negative or not finite.
    """

    def __init__(
        self,
        population: Population,
        spec: WorldSpec,
        log: Path,
        index: Index,
        *,
        draws: Draws,
        noise: float = 0.0,
    ) -> None:
        if not 0 <= noise < np.inf:
            raise ConfigError(f"noise == {noise}, must be >= 0 and finite (spreads in a request)")
        supply = population.supply
        self._spec, self._draws, self._price_I = spec.behavior, draws, index.price_I
        self._utility = Utility(
            spec.behavior, supply.catalog, supply.truth, population.shoppers, population.intents
        )
        self._utility.refresh(index)
        self._needs = LoggedNeeds(log, spec.index_refresh)
        self._noise = dict.fromkeys(OUTCOMES, 0.0)
        if noise > 0:
            spreads = self._spreads(*_exposed(log))
            self._noise = {outcome: noise * spread for outcome, spread in spreads.items()}

    def expected(self, requests: Requests, items_BN: Ints, outcome: Outcome) -> Floats:
        """(B, N) what each item would bring if it were looked at; 0 on padding (-1).

        Raises:
            ConfigError: there is no such outcome.
            DataError: the log does not hold one of the requests, or the catalogue an item.
        """
        if outcome not in OUTCOMES:
            raise ConfigError(f"outcome == {outcome!r}, must be one of {', '.join(OUTCOMES)}")
        items = len(self._price_I)
        if items_BN.ndim != 2 or len(items_BN) != len(requests):
            raise DataError(f"items_BN.shape == {items_BN.shape}, must be ({len(requests)}, N)")
        if items_BN.max(initial=-1) >= items:
            raise DataError(f"items_BN == {items_BN.max()}, must be < {items} (items)")
        needs = self._needs.behind(requests.id_B, requests.at_B)
        value_BN = self._value(needs, np.maximum(items_BN, 0), outcome)
        if self._noise[outcome]:
            value_BN += self._noise[outcome] * self._draws.normal(
                "oracle.noise",
                needs.shopper_B[:, None],
                needs.session_B[:, None],
                needs.request_B[:, None],
                items_BN,
            )
        return np.where(items_BN >= 0, value_BN, 0).astype(np.float32)

    def _value(self, needs: Needs, items_BN: Ints, outcome: Outcome) -> NDArray[np.float64]:
        spec = self._spec
        shown_BN, true_BN = self._utility.of(needs, items_BN)
        value_BN = expit(shown_BN.astype(np.float64) - spec.click_cost)
        if outcome != "click":
            value_BN *= expit(true_BN.astype(np.float64) - spec.outside)
        if outcome == "gmv":
            value_BN *= self._price_I[items_BN] / (1 - spec.repeat_quantity)
        return np.asarray(value_BN, np.float64)

    def _spreads(
        self, id_B: Rows, at_B: NDArray[np.float64], items_BN: Ints
    ) -> Mapping[Outcome, float]:
        """The unit of the noise of each outcome; 0 where no request was shown two items."""
        if not len(id_B):
            return dict.fromkeys(OUTCOMES, 0.0)
        needs, real_BN = self._needs.behind(id_B, at_B), items_BN >= 0
        number_B1 = real_BN.sum(axis=1, keepdims=True)
        spreads: dict[Outcome, float] = {}
        for outcome in OUTCOMES:
            value_BN = self._value(needs, np.maximum(items_BN, 0), outcome)
            mean_B1 = np.where(real_BN, value_BN, 0).sum(axis=1, keepdims=True) / number_B1
            spreads[outcome] = float(np.sqrt(np.mean((value_BN - mean_B1)[real_BN] ** 2)))
        return spreads


def _exposed(log: Path) -> tuple[Rows, NDArray[np.float64], Ints]:
    """Id and time of some requests of a log, evenly over its shoppers, and the items that each
    was shown, -1 padded."""
    shown = pd.DataFrame(_columns(log, "exposures", "request", "item"))
    every = np.unique(shown["request"])
    few = np.linspace(0, len(every) - 1, min(len(every), _SPREAD_REQUESTS)).astype(np.int64)
    id_B = every[few]
    shown = shown[shown["request"].isin(id_B)]
    row_X, column_X = np.searchsorted(id_B, shown["request"]), shown.groupby("request").cumcount()
    items_BN = np.full((len(id_B), int(column_X.max()) + 1 if len(shown) else 0), -1, np.int32)
    items_BN[row_X, column_X] = shown["item"]
    asked = _columns(log, "requests", "request", "at")
    return id_B, pd.Series(asked["at"], asked["request"])[id_B].to_numpy(), items_BN


def _check_from_the_first_day(log: Path) -> None:
    """Refuse a world that went on from another: its shoppers remember what its log lacks."""
    try:
        first = json.loads((log / "manifest.json").read_text(encoding="utf-8")).get("start_day", 0)
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{log} == no manifest ({error!r}), must be a log folder") from error
    if first:
        raise DataError(f"{log}: start_day == {first}, must be 0 (purchases before it are unknown)")


def _columns(log: Path, table: str, *names: str) -> dict[str, NDArray[Any]]:
    """Some columns of a table of a log."""
    try:
        read = ds.dataset(log / table, format="parquet").to_table(columns=list(names))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{log / table} == unreadable ({error!r}), must be a table") from error
    return {name: np.asarray(read[name].to_numpy()) for name in names}
