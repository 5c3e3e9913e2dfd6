"""What may never be in a log is found, and in a sound one there is none of it."""

import json
import shutil

import pytest

from experiments.records.validity import Verdict
from experiments.validate.invariants import RULES, invariants
from experiments.validate.supply import supplied
from simulator.errors import DataError
from tests.experiments.validate.evidences import ended, evidence, log_of, spoiled


def set_first(column, value, where=None):
    """Sets a value in the first row, or in the first of some rows."""

    def change(rows):
        at = rows.index[0] if where is None else rows.index[where(rows)][0]
        rows.loc[at, column] = value(rows.loc[at, column]) if callable(value) else value

    return change


def shift_places(rows):
    """One page has a hole before its third result."""
    own = rows.request == rows.request[rows.position == 2].iloc[0]
    rows.loc[own & (rows.position >= 2), "position"] += 1


def drop_a_place(rows):
    """One page lacks its second result."""
    return rows.drop(rows.index[rows.position == 1][0])


def repeat_an_item(rows):
    own = rows.index[rows.request == rows.request[rows.position == 1].iloc[0]]
    rows.loc[own[1], "item"] = rows.loc[own[0], "item"]


def restart_places(rows):
    """A later page begins where it should not."""
    own = rows.request == rows.request[rows.position >= 20].iloc[0]
    rows.loc[own, "position"] += 3


def unclick(rows):
    rows["clicked"] = False


def nobody_examined(rows):
    rows["examined"] = 0


SPOILED = [
    ("purchase_without_click", "exposures", unclick),
    ("purchase_without_click", "orders", set_first("item", lambda item: item + 100_000)),
    ("purchase_before_its_search", "orders", set_first("at", lambda at: at - 86_400.0 * 40)),
    ("purchase_before_its_search", "orders", set_first("shopper", lambda shopper: shopper + 1)),
    ("purchase_unlike_its_slot", "orders", set_first("position", lambda place: place + 1)),
    ("click_without_examination", "latent", nobody_examined),
    ("exposure_nobody_saw", "exposures", set_first("shopper", lambda shopper: shopper + 1)),
    ("cart_without_click", "exposures", set_first("carted", True, lambda rows: ~rows.clicked)),
    ("position_gap", "exposures", shift_places),
    ("position_gap", "exposures", drop_a_place),
    ("page_not_continued", "exposures", restart_places),
    ("item_twice_on_a_page", "exposures", repeat_an_item),
    ("session_without_reason", "sessions", set_first("end_reason", None)),
    ("session_unlike_its_requests", "sessions", set_first("requests", lambda count: count + 1)),
    ("session_unlike_its_requests", "sessions", lambda rows: rows.drop(rows.index[3])),
    (
        "bought_without_order",
        "sessions",
        set_first("end_reason", "bought", lambda rows: rows.end_reason == "frustrated"),
    ),
    ("request_outside_of_period", "requests", set_first("at", lambda at: at + 86_400.0 * 400)),
    ("request_outside_of_period", "requests", set_first("day", lambda day: day + 1)),
    ("session_outside_of_period", "sessions", set_first("end", -1.0)),
    ("purchase_outside_of_period", "orders", set_first("at", lambda at: at + 86_400.0 * 400)),
    ("exposure_of_unknown_channel", "exposures", set_first("sources", 1 << 20)),
    ("exposure_of_unknown_channel", "exposures", set_first("sources", 0)),
    ("purchase_of_unknown_channel", "orders", set_first("best_ranked", 1 << 20)),
    ("purchase_without_worth", "orders", set_first("price", -3.0)),
    ("purchase_without_worth", "orders", set_first("quantity", 0)),
    ("shopper_of_several_arms", "assignments", set_first("arm", 7)),
    ("search_without_words", "requests", set_first("text", 10_000_000)),
]


@pytest.mark.parametrize(("fact", "table", "change"), SPOILED)
@pytest.mark.parametrize("period", ["history", "experiment"])
def test_a_spoiled_log_is_found(small_run, tmp_path, period, fact, table, change):
    log = spoiled(log_of(small_run, period), tmp_path / "log", table, change)
    with evidence(small_run, **{period: log}) as found:
        failed = [check for check in invariants(found) if check.verdict is Verdict.FAIL]
    assert (period, fact) in ended(failed, Verdict.FAIL)
    assert {check.period for check in failed} == {period}
    told = next(check for check in failed if check.fact == fact)
    assert told.found.estimate >= 1
    assert told.note.startswith("the first: ")


def test_every_rule_is_tried():
    tried = {fact for fact, *_ in SPOILED} | {"rows_lost"}
    assert tried == {rule.fact for rule in RULES}


def test_rows_that_the_manifest_counts_and_that_are_gone_are_found(small_run, tmp_path):
    def fewer(rows):
        return rows.iloc[1:]

    log = spoiled(log_of(small_run, "history"), tmp_path / "log", "latent", fewer, counted=False)
    with evidence(small_run, history=log) as found:
        failed = ended(list(invariants(found)), Verdict.FAIL)
    assert ("history", "rows_lost") in failed


def test_a_sound_run_passes_every_invariant(small_run):
    with evidence(small_run) as found:
        checks = [*invariants(found), *supplied(found)]
    assert ended(checks, Verdict.PASS) == {(check.period, check.fact) for check in checks}
    assert all(check.n > 0 for check in checks)
    assert {"negative_stock", "stock_unlike_sales", "gmv_unlike_orders"} <= {c.fact for c in checks}


def sell_more(rows):
    """One order takes a thousand units."""
    rows.loc[rows.index[0], "quantity"] = 1_000


def forget_a_sale(rows):
    return rows.iloc[1:]


def dearer(rows):
    rows.loc[rows.index[0], "price"] *= 2


@pytest.mark.parametrize(
    ("fact", "period", "change"),
    [
        ("negative_stock", "history", sell_more),
        ("negative_stock", "experiment", sell_more),
        ("stock_unlike_sales", "history", forget_a_sale),
        ("gmv_unlike_orders", "experiment", dearer),
        ("gmv_unlike_orders", "experiment", forget_a_sale),
        ("sale_of_what_is_not_on_sale", "history", set_first("item", 10_000_000)),
    ],
)
def test_stock_and_money_that_do_not_add_up_are_found(small_run, tmp_path, fact, period, change):
    log = spoiled(log_of(small_run, period), tmp_path / "log", "orders", change)
    with evidence(small_run, **{period: log}) as found:
        assert (period, fact) in ended(list(supplied(found)), Verdict.FAIL)


def test_a_log_without_a_table_is_refused(small_run, tmp_path):
    log = tmp_path / "log"
    shutil.copytree(log_of(small_run, "history"), log)
    shutil.rmtree(log / "latent")
    with (
        pytest.raises(DataError, match=r"latent == missing, must be a table of the log"),
        evidence(small_run, history=log),
    ):
        pass


def test_a_log_that_does_not_tell_its_days_is_refused(small_run, tmp_path):
    log = tmp_path / "log"
    shutil.copytree(log_of(small_run, "history"), log)
    manifest = json.loads((log / "manifest.json").read_text())
    del manifest["days"]
    (log / "manifest.json").write_text(json.dumps(manifest))
    with (
        pytest.raises(DataError, match=r"must tell start_day, days and rows"),
        evidence(small_run, history=log),
    ):
        pass


def test_a_log_in_which_nobody_searched_is_refused(small_run, tmp_path):
    log = spoiled(
        log_of(small_run, "history"), tmp_path / "log", "requests", lambda rows: rows.iloc[:0]
    )
    with (
        pytest.raises(DataError, match=r"requests == 0 rows, must be a history in which somebody"),
        evidence(small_run, history=log),
    ):
        pass
