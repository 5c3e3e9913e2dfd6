"""Wrong launches of the label's ablation are counted as by hand, on worlds that are planted."""

import numpy as np
import pytest

from experiments.inference.scorecard.decision import Judged
from experiments.inference.scorecard.label import Evidence
from experiments.inference.scorecard.roles import Aim, Role
from experiments.records.interval import Interval
from tests.benchmarks.labels import ALL, BOUND, counted, launches, paired, share, told, ways
from tests.benchmarks.labeltests import AIMS, FAULTS, FEW, HARM, NOVEL, Drawn, drawn, split
from tests.benchmarks.labelworlds import COLUMNS, SUCCESS, Life, Pair, level

SHOPPERS = 400
BY_NAME = {way.name: way for way in ways()}


def made(*, gain: float, better: bool = True, fault: str = "none", **known: object) -> Drawn:
    judged = Judged(Aim(SUCCESS, Role.SUCCESS), Interval(1.0, 0.5, 1.5), better=better, worse=False)
    evidence = Evidence((judged,), **known)  # type: ignore[arg-type]
    return Drawn(fault, 0, evidence, 0.0, gain, False)


def life(rate: float, *, luck: int, late: float = 0.02) -> Life:
    rng = np.random.default_rng(luck)
    sums_HCS = np.ones((2, len(COLUMNS), SHOPPERS))
    sums_HCS[:, COLUMNS.index("requests")] = 5
    sums_HCS[:, COLUMNS.index("latency_sum")] = 5 * late * rng.lognormal(0, 0.1, (2, SHOPPERS))
    sums_HCS[:, COLUMNS.index("orders")] = rng.poisson(rate, (2, SHOPPERS))
    sums_HCS[:, COLUMNS.index("gmv")] = 10.0 * sums_HCS[:, COLUMNS.index("orders")]
    return Life(sums_HCS)


def shop(number: int) -> list[Pair]:
    """Three treatments: better, of no effect, and a harm."""
    rates = {NOVEL[0]: 4.0, "nothing": 2.0, HARM: 1.0}
    before_CS = np.ones((len(COLUMNS), SHOPPERS))
    return [
        Pair(
            *(number, luck, name, False),
            control=life(2.0, luck=luck),
            treated=life(rate, luck=luck),
            before_CS=before_CS,
        )
        for luck in (0, 1)
        for name, rate in rates.items()
    ]


def test_launches_are_counted_as_by_hand():
    launched_N = np.array([True, True, True, False, False])
    good_N = np.array([True, False, False, True, False])
    found = counted(launched_N, good_N, np.array([0.2, -0.1, 0.0, 0.3, -0.5]))
    assert (found.launches, found.wrong, found.useless) == (3, 2, 2)
    assert (found.good, found.missed) == (2, 1)
    assert found.gain == pytest.approx(0.1 / 3)
    assert found.loss == pytest.approx(0.1 / 3)
    nothing = counted(np.zeros(5, bool), good_N, np.ones(5))
    assert (nothing.launches, nothing.gain, nothing.loss) == (0, 0.0, 0.0)


def test_a_part_is_worth_the_wrong_launches_that_it_alone_stops():
    tests = [
        made(gain=0.1),
        made(gain=-0.1, failed=("sample ratio",)),
        made(gain=-0.1, worlds=0.0),
        made(gain=-0.1, effective=10.0),
        made(gain=-0.1, later=Interval(-1.0, -2.0, -0.5)),
        made(gain=-0.1, better=False),
    ]
    stops = {"checks": 1, "sensitivity": 2, "support": 3, "later": 4, "bound": 5}
    assert launches(tests, BY_NAME[ALL]).tolist() == [True] + [False] * 5
    for part, number in stops.items():
        assert np.flatnonzero(launches(tests, BY_NAME[f"without {part}"])).tolist() == [0, number]
    assert launches(tests, BY_NAME[BOUND]).tolist() == [True] * 5 + [False]
    assert launches(tests, BY_NAME["bound and later"]).tolist() == [True] * 4 + [False] * 2
    other = [made(gain=0.1, worlds=1.0), made(gain=0.1)]
    assert not launches(other, BY_NAME["sensitivity to other shops"]).any()


def test_pairs_of_wrong_launches_have_mcnemars_exact_p_value():
    wrong_N, other_N = np.zeros((2, 100), bool)
    wrong_N[:6], other_N[5:7] = True, True
    found = paired(wrong_N, other_N, np.arange(100), seed=1)
    assert found.more == pytest.approx(0.04)
    assert found.p_value == pytest.approx(2 * (1 + 6) / 2**6)  # 1 of 6 that differ, or fewer
    assert found.low <= found.more <= found.high
    same = paired(wrong_N, wrong_N, np.arange(100), seed=1)
    assert (same.more, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_worlds_are_redrawn_whole():
    """All that differs is in one world of four: it is drawn once on average, or not at all."""
    world_N = np.repeat(np.arange(4), 25)
    apart = paired(world_N == 0, np.zeros(100, bool), np.arange(100), seed=1)
    whole = paired(world_N == 0, np.zeros(100, bool), world_N, seed=1)
    assert whole.more == apart.more == 0.25
    assert apart.low > 0.1
    assert whole.low == 0


def test_a_share_has_its_exact_interval():
    assert share(0, 10) == "0.0% (0.0% to 30.8%)"
    assert share(0, 0) == "none"


def test_what_fades_is_true_of_the_second_half_alone():
    pair, _, harm = shop(1)[:3]
    nothing = pair.faded(pair.control, "then nothing")
    assert pair.effect(SUCCESS) > 0.5
    assert nothing.effect(SUCCESS) == 0
    assert pair.faded(harm.treated, "then a harm").effect(SUCCESS) < -0.3
    whole = level(SUCCESS, nothing.treated.whole_CS) / level(SUCCESS, pair.control.whole_CS)
    assert whole > 1.2


def test_faults_are_those_of_their_names():
    pair = shop(1)[0]
    rng = np.random.default_rng(1)
    assert split(pair, "none", rng)[1].sum() == SHOPPERS
    assert split(pair, "few", rng)[1].sum() == FEW
    kept_S = split(pair, "lost", rng)[1]
    assert 0.65 * SHOPPERS < kept_S.sum() < 0.95 * SHOPPERS


def test_the_tests_of_planted_worlds_say_what_was_planted():
    steady = shop(1) + shop(2)
    tests = drawn(steady, 60, seed=1)
    again = drawn(steady, 20, seed=1)
    assert [(e.fault, e.evidence) for e in tests[:20]] == [(e.fault, e.evidence) for e in again]
    assert {each.fault for each in tests} == set(FAULTS)
    sound = [each for each in tests if each.fault == "none"]
    for each in sound:
        better = each.evidence.judged[0].better
        assert each.evidence.failed == ()
        assert better == (each.gain > 0.5)
        if each.good:
            assert each.evidence.worlds == each.elsewhere == 1
    assert all(each.evidence.effective < 60 for each in tests if each.fault == "few")
    assert [judged.aim for judged in tests[0].evidence.judged] == list(AIMS)
    lines = list(told(tests, seed=1))
    assert sum(line.startswith(f"| {ALL} |") for line in lines) == 2
    assert len(lines) == 2 * (2 + len(ways())) + 1
