import pytest

from experiments.attribution.credit.credit import overlap
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.records.attribution import FUNNEL
from tests.experiments.attribution.credit.credit_cases import credited, events, hand_log
from tests.experiments.inference.logs import ARMS, CHANNELS


@pytest.fixture(scope="module")
def found(log):
    with engine(EngineSpec()) as connection:
        return overlap(connection, log, read_manifest(log))


@pytest.mark.parametrize("event", FUNNEL)
def test_every_event_is_in_exactly_one_set(log, found, event):
    table = events(log, event)
    table = table[table["weight"] > 0]
    for a, arm in enumerate(ARMS):
        rows = [row for row in found if (row.arm, row.event) == (arm, event)]
        counts = table[table["arm"] == a]["sources"].value_counts()
        assert {
            sum(1 << CHANNELS.index(name) for name in row.channels): row.count for row in rows
        } == counts.to_dict()
        assert sum(row.share for row in rows) == pytest.approx(1.0)
        assert [row.count for row in rows] == sorted((row.count for row in rows), reverse=True)


def test_sets_of_one_channel_are_what_is_exclusively_its_own(log, found):
    known = credited(log, ("exclusive",))
    for row in found:
        if len(row.channels) == 1:
            key = ("exclusive", row.event, row.arm, "all", "", row.channels[0])
            assert row.count == known[key].credit


def test_a_log_without_purchases_has_no_sets_of_them(tmp_path):
    log = hand_log(tmp_path / "log", [{"request": 1}], [{"request": 1, "sources": 5}])
    with engine(EngineSpec()) as connection:
        (row,) = overlap(connection, log, read_manifest(log))
    assert (row.channels, row.count, row.share) == (("a", "c"), 1, 1.0)
