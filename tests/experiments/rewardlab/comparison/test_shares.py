"""A channel's shares in a policy's worlds: by hand, and beside the shares of an A/B log."""

import pytest

from experiments.rewardlab.comparison.shares import share_rows
from simulator.errors import DataError
from tests.experiments.attribution.credit.credit_cases import credited
from tests.experiments.inference.logs import CHANNELS, write_log
from tests.experiments.rewardlab.comparison.tiny_logs import tiny_log

LEXICAL, CQSID, BOTH = 1, 2, 3


def rows_of(logs, channel="cqsid", **options):
    found = share_rows("p", logs, channel=channel, confidence=0.95, **options)
    return {(row.rule, row.event): row for row in found}


@pytest.fixture
def tiny(tmp_path):
    exposures = [
        (0, CQSID, True),
        (0, BOTH, True),
        (0, LEXICAL, False),
        (1, BOTH, True),
        (1, LEXICAL, True),
        (1, LEXICAL, False),
        (1, LEXICAL, False),
        (2, CQSID, False),
    ]
    orders = [(0, CQSID, 10.0, 1), (0, BOTH, 5.0, 2), (1, LEXICAL, 20.0, 1)]
    return tiny_log(tmp_path / "log", shoppers=[0, 1, 2], exposures=exposures, orders=orders)


def test_shares_of_a_tiny_world_are_those_counted_by_hand(tiny):
    found = {place: row.share.estimate for place, row in rows_of([[tiny]]).items()}
    assert found == {
        ("any_touch", "exposure"): 4 / 8,
        ("any_touch", "click"): 3 / 4,
        ("any_touch", "purchase"): pytest.approx(2 / 3),
        ("any_touch", "gmv"): 20 / 40,
        ("exclusive", "exposure"): 2 / 8,
        ("exclusive", "click"): 1 / 4,
        ("exclusive", "purchase"): pytest.approx(1 / 3),
        ("exclusive", "gmv"): 10 / 40,
    }


def test_seeds_are_pooled_by_their_events(tiny, tmp_path):
    none = tiny_log(tmp_path / "none", shoppers=[0], exposures=[(0, LEXICAL, False)] * 8)
    assert rows_of([[tiny], [none]])["any_touch", "exposure"].share.estimate == 4 / 16
    assert rows_of([[tiny, none]])["any_touch", "exposure"].share.estimate == 4 / 16
    assert rows_of([[tiny], [none]])["any_touch", "gmv"].share.estimate == 20 / 40


@pytest.mark.parametrize("channel", CHANNELS)
def test_with_one_seed_a_share_is_the_credit_of_an_experiments_log(tmp_path, channel):
    log = write_log(tmp_path / "log", shoppers=2_000, arms=("with",), shares=(1.0,))
    wanted, found = credited(log), rows_of([[log]], channel)
    for (rule, event), row in found.items():
        one = wanted[rule, event, "with", "all", "", channel]
        assert row.share.numbers == pytest.approx(one.share.numbers, rel=1e-9)
        assert found["exclusive", event].share.estimate < found["any_touch", event].share.estimate


def test_exclusive_shares_of_all_channels_and_shared_finds_make_the_whole(tmp_path):
    """With two channels: what one finds alone is what the other has not touched."""
    log = write_log(tmp_path / "log", shoppers=200, arms=("a",), shares=(1.0,), channels=("x", "y"))
    alone, other = rows_of([[log]], "x"), rows_of([[log]], "y")
    for event in ("exposure", "click", "purchase", "gmv"):
        total = alone["exclusive", event].share.estimate + other["any_touch", event].share.estimate
        assert total == pytest.approx(1.0)


def test_seeds_that_disagree_widen_the_interval(tmp_path):
    logs = []
    for seed, sources in enumerate((CQSID, CQSID, LEXICAL)):
        exposures = [
            (s, sources if s % 3 else BOTH if s % 2 else LEXICAL, False) for s in range(60)
        ]
        log = tiny_log(tmp_path / str(seed), shoppers=range(60), exposures=exposures)
        logs.append([log])

    def width(logs):
        row = rows_of(logs)["any_touch", "exposure"]
        return row.share.high - row.share.low

    assert width(logs) > 2 * width(logs[:2])
    assert width(logs[:2]) == pytest.approx(width(logs[:1]))


def test_a_world_without_such_events_has_no_share_and_agreement_no_interval(tmp_path):
    log = tiny_log(tmp_path / "log", shoppers=range(5), exposures=[(s, 2, False) for s in range(5)])
    found = rows_of([[log]])
    whole = found["exclusive", "exposure"]
    assert whole.share.numbers == (1.0, None, None)
    for event in ("click", "purchase", "gmv"):
        row = found["any_touch", event]
        assert row.share.numbers == (None, None, None)


def test_the_bit_is_read_from_each_logs_manifest(tiny, tmp_path):
    exposures = [(0, 1, False), (0, 1, False), (1, 2, False)]
    other = tiny_log(
        tmp_path / "other", shoppers=[0, 1], exposures=exposures, channels=("cqsid", "lexical")
    )
    assert rows_of([[other]])["any_touch", "exposure"].share.estimate == pytest.approx(2 / 3)
    assert rows_of([[tiny], [other]])["any_touch", "exposure"].share.estimate == pytest.approx(
        6 / 11
    )


def test_a_channel_that_no_log_names_is_refused(tiny):
    with pytest.raises(DataError, match=r"channels == \['lexical', 'cqsid'\], must hold 'dense'"):
        rows_of([[tiny]], "dense")
    with pytest.raises(DataError, match=r"worlds of p == \[1, 0\], must be > 0 each"):
        rows_of([[tiny], []])
