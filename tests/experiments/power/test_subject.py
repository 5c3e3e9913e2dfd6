import pytest

from experiments.power.subject import LOG, open_subject
from experiments.running import models
from simulator.errors import ConfigError, DataError, StoreError


def test_the_log_lies_where_worlds_leave_it():
    assert models.LOG == LOG


def test_a_run_brings_its_logs_its_arms_and_its_metrics(small_run):
    found = open_subject(small_run, None)
    assert (found.source, found.name) == ("run", "small")
    assert found.shares == {"control": 0.5, "dense": 0.5}
    assert (found.log / "orders").is_dir()
    assert found.history is not None
    assert found.history != found.log
    assert found.metric(None).name == "gmv"  # the primary one
    assert found.metric("ctr").denominator == "exposures"


def test_a_log_is_planned_for_orders_unless_told_otherwise(days_log, days_before):
    found = open_subject(days_log, days_before)
    assert (found.source, found.name, found.shares) == ("log", "log", None)
    assert found.history == days_before
    assert found.metric(None).name == "orders"


def test_an_unknown_metric_names_the_nearest(days_log):
    with pytest.raises(ConfigError, match=r"--metric == 'ordres', must be one of: gmv, .*'orders'"):
        open_subject(days_log, None).metric("ordres")


def test_a_folder_of_neither_kind_is_refused(tmp_path, days_log):
    with pytest.raises(StoreError, match="neither a finished run nor a log"):
        open_subject(tmp_path, None)
    (tmp_path / "requests").mkdir()
    with pytest.raises(DataError, match=r"no manifest\.json, must be a log folder"):
        open_subject(tmp_path, None)
    with pytest.raises(ConfigError, match="must be another log"):
        open_subject(days_log, days_log)
