"""Whatever a design splits, requests of one unit see one arm, and each arm has its share."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.request import RequestSplit
from experiments.designs.session import SessionSplit
from experiments.designs.shopper import ShopperSplit
from experiments.designs.split import Split
from experiments.designs.switchback import Switchback
from ranking.router import Assignment
from simulator.errors import ConfigError
from simulator.protocols import DAY, Requests, request_ids, session_ids
from simulator.randomness import Draws

SHARES = (0.3, 0.7)
CLUSTER = np.arange(1_000) // 4


def asked(shoppers: int = 400, sessions: int = 5, each: int = 3, days: int = 14) -> Requests:
    """Requests of shoppers with several sessions, in the order of time."""
    shopper, session, request = np.meshgrid(
        np.arange(shoppers), np.arange(sessions), np.arange(each), indexing="ij"
    )
    ids = request_ids(session_ids(shopper.ravel(), session.ravel()), request.ravel())
    rng = np.random.default_rng(3)
    plain = Requests.of_texts(tuple(map(str, range(1_000))))
    rows = plain.rows(rng.integers(0, 1_000, len(ids)))
    at = np.sort(rng.uniform(0, days * DAY, len(ids)))
    return replace(rows, id_B=ids, shopper_B=shopper.ravel(), at_B=at)


DESIGNS: dict[str, Callable[[Draws], Split]] = {
    "shopper": lambda draws: ShopperSplit(SHARES, "a", draws),
    "session": lambda draws: SessionSplit(SHARES, "a", draws),
    "request": lambda draws: RequestSplit(SHARES, "a", draws),
    "query_cluster": lambda draws: QueryClusterSplit(SHARES, "a", draws, CLUSTER),
    "switchback": lambda draws: Switchback(SHARES, "a", draws, 600.0),
}
UNITS = {
    "shopper": lambda requests: requests.shopper_B,
    "session": lambda requests: requests.id_B // 256,
    "request": lambda requests: requests.id_B,
    "query_cluster": lambda requests: CLUSTER[requests.text_B],
    "switchback": lambda requests: requests.at_B // 600,
}


@pytest.mark.parametrize("name", DESIGNS)
def test_all_requests_of_a_unit_see_one_arm(name: str) -> None:
    requests, design = asked(), DESIGNS[name](Draws(1))
    assert design.name == name
    unit_B = UNITS[name](requests)
    np.testing.assert_array_equal(design.units(requests), unit_B)
    arm_B = design.arms(requests)
    arms = {unit: arm_B[unit_B == unit] for unit in np.unique(unit_B)[:200]}
    assert all(len(set(found)) == 1 for found in arms.values())


@pytest.mark.parametrize("name", DESIGNS)
def test_each_arm_has_its_share_of_units(name: str) -> None:
    requests, design = asked(), DESIGNS[name](Draws(1))
    units, first = np.unique(design.units(requests), return_index=True)
    arm = design.assign(units, requests.at_B[first])
    spread = np.sqrt(0.3 * 0.7 / len(units))
    assert abs(arm.mean() - 0.7) < 4.5 * spread


@pytest.mark.parametrize("name", DESIGNS)
def test_an_arm_does_not_depend_on_who_else_asks(name: str) -> None:
    requests, design = asked(), DESIGNS[name](Draws(1))
    some = np.arange(len(requests))[::7]
    np.testing.assert_array_equal(design.arms(requests.rows(some)), design.arms(requests)[some])


@pytest.mark.parametrize("name", ["session", "request"])
def test_a_shopper_meets_both_arms(name: str) -> None:
    requests, design = asked(), DESIGNS[name](Draws(1))
    arm_B = design.arms(requests)
    both = [set(arm_B[requests.shopper_B == shopper]) == {0, 1} for shopper in range(400)]
    assert np.mean(both) > 0.7


def test_days_of_a_switchback_mirror_each_other_in_pairs() -> None:
    design = Switchback((0.5, 0.5), "a", Draws(1), 3_600.0)
    assert design.mirrored
    period = np.arange(14 * 24)
    arm_DH = design.assign(period, period * 3_600.0).reshape(14, 24)
    np.testing.assert_array_equal(arm_DH[::2] + arm_DH[1::2], 1)
    first = arm_DH[::2].mean()
    assert abs(first - 0.5) < 4.5 * 0.5 / np.sqrt(7 * 24)


@pytest.mark.parametrize(("shares", "period"), [((0.3, 0.7), 3_600.0), ((0.5, 0.5), 5_000.0)])
def test_days_are_not_mirrored_where_they_cannot_be(
    shares: tuple[float, ...], period: float
) -> None:
    design = Switchback(shares, "a", Draws(1), period)
    assert not design.mirrored
    unit = np.arange(4_000)
    share = design.assign(unit, unit * period).mean()
    assert abs(share - shares[1]) < 4.5 * np.sqrt(shares[0] * shares[1] / 4_000)


def ramp(control: int = 0) -> RampUp:
    return RampUp(ShopperSplit((0.4, 0.6), "a", Draws(1)), ((DAY, 0.2), (3 * DAY, 1.0)), control)


def test_a_ramp_up_begins_in_control_and_ends_in_its_split() -> None:
    shopper = np.arange(5_000)
    at = [ramp().assign(shopper, np.full(5_000, when * DAY)) for when in (0.5, 1, 2.9, 3, 9)]
    assert not at[0].any()
    np.testing.assert_array_equal(at[1], at[2])
    assert abs(at[1].mean() - 0.12) < 4.5 * np.sqrt(0.12 * 0.88 / 5_000)
    np.testing.assert_array_equal(at[4], ramp().split.assign(shopper, np.zeros(5_000)))
    np.testing.assert_array_equal(at[3], at[4])
    assert (at[3][at[1] == 1] == 1).all()


def test_who_waits_in_a_ramp_up_waits_in_control_wherever_it_stands() -> None:
    shopper = np.arange(2_000)
    assert set(ramp(control=1).assign(shopper, np.zeros(2_000))) == {1}


def test_a_design_is_what_the_router_asks() -> None:
    routed: Assignment = ramp()
    assert routed.shares == (0.4, 0.6)
    assert routed.name == "shopper"
    assert set(routed.arms(asked())) == {0, 1}


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (((2.0, 0.5), (1.0, 1.0)), "must grow with time"),
        (((1.0, 0.5), (2.0, 0.4)), "must grow with time"),
        (((1.0, 1.5),), r"1.5 from 1 s on, must be from 0 to 1"),
    ],
)
def test_steps_that_do_not_grow_are_refused(
    steps: tuple[tuple[float, float], ...], wanted: str
) -> None:
    with pytest.raises(ConfigError, match=wanted):
        RampUp(ShopperSplit((0.5, 0.5), "a", Draws(1)), steps)
