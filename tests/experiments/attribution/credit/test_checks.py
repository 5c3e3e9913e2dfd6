import json

import numpy as np
import pytest

from experiments.attribution.credit.checks import refuse, warnings
from experiments.config.attribution import PAGE_RULES, AttributionSpec
from experiments.inference.logs import EngineSpec, engine, read_manifest
from simulator.errors import DataError
from tests.experiments.attribution.credit.credit_cases import credited, hand_log, rewrite
from tests.experiments.inference.logs import write_log, write_table
from tests.experiments.inference.parity import read


@pytest.fixture
def own(tmp_path):
    """A log that the test may spoil."""
    return write_log(tmp_path / "log", shoppers=60, clicks=0.4)


def check(log, rules=PAGE_RULES):
    with engine(EngineSpec()) as connection:
        spec = AttributionSpec(rules=rules, window_days=1)
        return warnings(connection, log, read_manifest(log), spec)


def first_rows(value, count):
    return lambda table: np.where(np.arange(len(table)) < count, value, 1).astype(np.int32)


def test_a_whole_log_is_let_pass_without_a_word(log):
    assert check(log) == []


@pytest.mark.parametrize("table", ["exposures", "orders"])
def test_rows_without_provenance_are_refused_with_their_number(own, table):
    rewrite(own, table, sources=first_rows(0, 12), best_ranked=first_rows(0, 12))
    wanted = rf"{table}.sources == 0 in 12 rows, must name .* \(a log without provenance cannot"
    with pytest.raises(DataError, match=wanted):
        check(own)
    with pytest.raises(DataError, match=wanted):
        credited(own, ("any_touch",))


@pytest.mark.parametrize("mask", [1 << 4, -1])
def test_channels_that_the_manifest_does_not_know_are_refused(own, mask):
    rewrite(own, "exposures", sources=first_rows(mask, 3), best_ranked=first_rows(1, 0))
    with pytest.raises(DataError, match=r"the manifest's 4 channels in 3 rows.*renamed or added"):
        check(own)


def test_a_best_ranked_channel_that_did_not_find_the_item_is_refused(own):
    rewrite(own, "orders", sources=first_rows(1, 0), best_ranked=first_rows(2, 2))
    with pytest.raises(DataError, match=r"best_ranked == channels outside sources in 2 rows"):
        check(own, ("any_touch",))


def test_best_rank_alone_needs_somebody_who_ranked_best(own):
    rewrite(own, "exposures", best_ranked=first_rows(0, 0))
    rewrite(own, "exposures", sources=first_rows(1, 0), best_ranked=first_rows(0, 2))
    assert check(own, ("any_touch", "first")) == []
    with pytest.raises(DataError, match=r"best_ranked == 0 in 2 rows, .* for rule best_rank"):
        check(own)


def test_an_older_log_without_best_ranks_is_refused_to_that_rule_alone(own):
    for table in ("exposures", "orders"):
        found = read(own, table).drop(columns="best_ranked")
        write_table(own / table, {name: found[name].to_numpy() for name in found}, 2)
    with pytest.raises(DataError, match=r"no column best_ranked .*for rule best_rank"):
        check(own)
    rest = tuple(rule for rule in PAGE_RULES if rule != "best_rank")
    assert check(own, rest) == []
    assert {key[0] for key in credited(own, rest)} == set(rest)


def test_shards_with_different_columns_are_refused(own):
    found = read(own, "exposures").drop(columns="position")
    shard = {name: found[name].to_numpy() for name in found}
    write_table(own / "other", shard)
    (own / "other" / "part-00000.parquet").rename(own / "exposures" / "part-00009.parquet")
    with pytest.raises(DataError, match=r"exposures == column position only in some shards \(part"):
        check(own)


def test_a_missing_column_is_named(own):
    found = read(own, "orders").drop(columns="price")
    write_table(own / "orders", {name: found[name].to_numpy() for name in found}, 2)
    with pytest.raises(DataError, match="orders == no column price"):
        check(own)


def test_a_channel_that_is_listed_twice_is_refused(own):
    path = own / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"channels": ["a", "b", "a", "c"]}))
    with pytest.raises(DataError, match=r"manifest.channels == 'a' twice, must be named once"):
        check(own)


def test_an_arm_that_the_manifest_does_not_know_is_refused(own):
    rewrite(own, "exposures", arm=lambda table: np.full(len(table), 2, np.int8))
    with pytest.raises(DataError, match="arm == outside the manifest's 2 arms"):
        check(own)


def test_a_broken_shard_is_an_error_in_words(own):
    (own / "exposures" / "part-00001.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="unreadable"):
        check(own)


def test_purchases_without_exposures_are_counted_and_still_credited(tmp_path):
    log = hand_log(
        tmp_path / "log",
        [{"request": 1}],
        [{"request": 1, "item": 0}],
        [{"request": 1, "item": 0}, {"request": 1, "item": 5}, {"request": 9, "item": 0}],
    )
    (warning,) = check(log)
    assert warning.startswith("2 purchases have no exposure in this log")
    assert credited(log)["any_touch", "purchase", "one", "all", "", "a"].credit == 3


def test_a_window_longer_than_the_log_is_warned_about(log):
    with engine(EngineSpec()) as connection:
        manifest = read_manifest(log)
        (warning,) = warnings(connection, log, manifest, AttributionSpec(window_days=4))
        assert "the attribution window of 4 days is longer than the log (3 days)" in warning
        assert warnings(connection, log, manifest, AttributionSpec(window_days=3)) == []


def test_a_log_in_which_nothing_happened_is_let_pass(tmp_path):
    log = hand_log(tmp_path / "log", [], [], [])
    with engine(EngineSpec()) as connection:
        refuse(connection, log, read_manifest(log), PAGE_RULES)
        assert warnings(connection, log, read_manifest(log), AttributionSpec()) == []
    assert {(row.total, row.share.estimate, row.shoppers) for row in credited(log).values()} == {
        (0, None, 0)
    }
