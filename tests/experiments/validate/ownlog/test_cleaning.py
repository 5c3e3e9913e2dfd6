"""What is wrong in a user's log is found and named, and left out or refused."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.validate.ownlog.cleaning import own_log
from experiments.validate.ownlog.settings import read_own_log
from simulator.errors import ConfigError, DataError
from tests.experiments.validate.ownlog.shoplogs import (
    DAYS,
    ORDERS,
    START,
    described,
    orders,
    results,
)


def cleaned(path, days=DAYS):
    return own_log(read_own_log(path), days)


def found(log):
    return {finding.what: finding for finding in log.findings}


def test_a_sound_log_is_taken_whole(tmp_path):
    sold = orders()
    log = cleaned(described(tmp_path, sold, results()))
    assert len(log.sales) == len(sold)
    assert len(log.sales.orders) == sold.invoice.nunique()
    assert log.sales.shoppers == sold.customer.nunique()
    assert (log.first_day, log.days) == ("2026-03-02", DAYS)
    value = (sold.price * sold.units).groupby(sold.invoice).sum().sort_values().to_numpy()
    np.testing.assert_allclose(np.sort(log.sales.orders.value_O), value)
    assert log.findings == ()


def test_parquet_files_are_read_alike(tmp_path):
    sold = orders()
    path = described(tmp_path, sold)
    sold.to_parquet(tmp_path / "orders.parquet")
    path.write_text(path.read_text().replace("orders.csv", "orders.parquet"))
    assert len(cleaned(path).sales) == len(sold)


def test_a_bot_is_named_and_left_out_of_both_tables(tmp_path):
    """One shopper, 50,000 requests."""
    shown, sold = results(), orders()
    bot = pd.DataFrame(
        {
            "page": np.arange(50_000) + 10_000,
            "customer": "crawler",
            "sku": "r1",
            "time": START + pd.to_timedelta(np.arange(50_000) * 10, unit="s"),
            "place": 1,
            "clicked": 0,
            "query": "q0",
        }
    )
    own = sold.iloc[:1].assign(customer="crawler", invoice="by a bot")
    log = cleaned(described(tmp_path, pd.concat([sold, own]), pd.concat([shown, bot])))
    told = found(log)["rows of shoppers with more than 500 pages a day"]
    assert told.rows == 50_000
    assert "crawler (8640 pages on one day)" in told.note
    assert len(log.results) == len(shown)
    assert len(log.sales) == len(sold)


def test_a_gap_is_named_and_only_days_without_one_are_compared(tmp_path):
    sold = orders(days=DAYS)
    late = orders(days=DAYS, seed=3)
    late["time"] += pd.Timedelta(days=DAYS + 10)
    late["invoice"] += "b"
    log = cleaned(described(tmp_path, pd.concat([sold, late])), days=2 * DAYS)
    assert found(log)["days missing in gaps of the log"].rows == 10
    assert "2026-03-16 to 2026-03-25" in found(log)["days missing in gaps of the log"].note
    assert log.days == DAYS
    assert found(log)["days that the simulated log has more"].rows == DAYS
    assert len(log.sales) in (len(sold), len(late))


def test_days_without_results_are_a_gap_although_they_have_orders(tmp_path):
    """As a crash of the tracking leaves them: visits of these days would seem to be none."""
    shown = results(pages=3_000)
    day = (shown.time - START).dt.days
    log = cleaned(described(tmp_path / "a", None, shown[(day < 3) | (day >= 8)]))
    assert found(log)["days with orders and without results"].rows == 5
    assert found(log)["days missing in gaps of the log"].rows == 5
    assert (log.first_day, log.days) == ("2026-03-10", 6)
    with pytest.raises(DataError, match=r"with results .* must have a day in common"):
        cleaned(
            described(tmp_path / "b", None, shown.assign(time=shown.time + pd.Timedelta(days=90)))
        )


def test_pages_that_showed_nothing_are_counted_and_are_no_results(tmp_path):
    shown = results()
    nothing = shown.groupby("page").first().reset_index().head(9)
    nothing = nothing.assign(page=nothing.page + 10_000, sku="", place="", clicked=0)
    log = cleaned(described(tmp_path, None, pd.concat([shown, nothing])))
    assert [each.what for each in log.findings] == ["pages that showed nothing"]
    assert len(log.results) == len(shown) + 9
    assert len(log.shown) == len(shown)


def test_the_last_days_that_fit_are_compared_unless_the_first_is_named(tmp_path):
    sold = orders()
    assert cleaned(described(tmp_path, sold), days=5).first_day == "2026-03-11"
    named = cleaned(described(tmp_path, sold, more="first_day = 2026-03-04\n"), days=5)
    assert (named.first_day, named.days) == ("2026-03-04", 5)


def test_results_without_a_position_are_counted(tmp_path):
    shown = results()
    shown["place"] = shown.place.astype(float)
    shown.loc[shown.index[:24], "place"] = np.nan
    told = found(cleaned(described(tmp_path, None, shown)))["results without a position"]
    assert told.rows == 24


def test_purchases_before_their_click_are_left_out(tmp_path):
    shown, sold = results(), orders()
    clicked = shown[shown.clicked == 1].drop_duplicates(["customer", "sku"]).head(6)
    bought = pd.DataFrame(
        {
            "customer": clicked.customer,
            "invoice": [f"x{at}" for at in range(6)],
            "sku": clicked.sku,
            "time": clicked.time + pd.to_timedelta([-60, -60, 60, 60, 60, 60], unit="s"),
            "price": 5.0,
            "units": 1,
        }
    )
    log = cleaned(described(tmp_path, pd.concat([sold, bought]), shown))
    assert found(log)["purchases before the first click on their item"].rows == 2
    assert len(log.sales) == len(sold) + 4


def test_tables_of_two_clocks_are_refused(tmp_path):
    shown, sold = results(), orders()
    clicked = shown[shown.clicked == 1].drop_duplicates(["customer", "sku"]).head(40)
    early = sold.iloc[:40].assign(
        customer=clicked.customer.to_numpy(),
        sku=clicked.sku.to_numpy(),
        time=clicked.time.to_numpy() - pd.Timedelta(hours=5),
    )
    with pytest.raises(DataError, match="are both tables of one clock"):
        cleaned(described(tmp_path, early, shown))


def with_currencies(*names):
    sold = orders()
    sold["currency"] = [names[at % len(names)] for at in range(len(sold))]
    return sold


def test_mixed_currencies_are_refused_unless_one_is_chosen(tmp_path):
    sold, column = with_currencies("GBP", "gbp ", "EUR"), 'currency = "currency"\n'
    with pytest.raises(DataError, match=r"GBP \d+, EUR \d+ rows, must be one currency"):
        cleaned(described(tmp_path / "a", sold, orders_more=column))
    chosen = 'currency = "EUR"\n'
    log = cleaned(described(tmp_path / "b", sold, more=chosen, orders_more=column))
    assert len(log.sales) == len(sold) // 3
    assert found(log)["orders not in EUR"].rows == len(sold) - len(sold) // 3
    with pytest.raises(DataError, match="currency == 'USD', must be one of GBP, EUR"):
        cleaned(described(tmp_path / "c", sold, more='currency = "USD"\n', orders_more=column))


def test_times_of_several_zones_are_told_in_one(tmp_path):
    sold = orders()
    naive = sold.time.dt.tz_localize("Europe/London")
    text = [
        (each if at % 2 else each.tz_convert("America/New_York")).isoformat()
        for at, each in enumerate(naive)
    ]
    zone = 'timezone = "Europe/London"\n'
    plain = cleaned(described(tmp_path / "a", sold, more=zone))
    mixed = cleaned(described(tmp_path / "b", sold.assign(time=text), more=zone))
    np.testing.assert_allclose(mixed.sales.orders.at_O, plain.sales.orders.at_O)
    assert found(mixed)["times of several zones"].handling == "told in Europe/London"


def test_times_with_and_without_a_zone_are_refused(tmp_path):
    sold = orders()
    text = sold.time.dt.strftime("%Y-%m-%dT%H:%M:%S")
    text.iloc[::2] += "+02:00"
    with pytest.raises(DataError, match="must all have a time zone or none"):
        cleaned(described(tmp_path, sold.assign(time=text)))


def test_rows_that_are_no_sale_are_counted_by_what_is_wrong(tmp_path):
    sold = orders().astype({"price": object, "customer": object, "sku": object})
    sold.loc[sold.index[0], "price"] = -1
    sold.loc[sold.index[1], "price"] = "free"
    sold.loc[sold.index[2], "units"] = 0
    sold.loc[sold.index[3], "customer"] = None
    sold.loc[sold.index[4], "sku"] = None
    sold["back"] = "false"
    sold.loc[sold.index[5], "back"] = "true"
    log = cleaned(described(tmp_path, sold, orders_more='cancelled = "back"\n'))
    counts = {what: finding.rows for what, finding in found(log).items()}
    assert counts == {
        "cancelled rows": 1,
        "orders without a shopper": 1,
        "orders without an item": 1,
        "orders whose price is not above 0": 2,
        "orders whose quantity is not above 0": 1,
    }
    assert len(log.sales) == len(sold) - 6


def test_rows_of_one_shopper_and_hour_are_an_order_where_none_is_named(tmp_path):
    path = described(tmp_path, orders())
    path.write_text(path.read_text().replace('order = "invoice"\n', ""))
    log, named = cleaned(path), cleaned(described(tmp_path / "named", orders()))
    assert abs(len(log.sales.orders) - len(named.sales.orders)) <= 3


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda text: text.replace('"sku"', '"skuu"'), DataError, r"item == 'skuu', must be a col"),
        (lambda text: text.replace("orders.csv", "nothing.csv"), DataError, "must be a CSV or Par"),
        (lambda text: "timezone = 'Mars'\n" + text, ConfigError, "must be a name such as Europe"),
        (lambda text: "bots = 3\n" + text, ConfigError, "bots"),
        (lambda text: text.replace('price = "price"', ""), ConfigError, "orders.columns.price"),
        (lambda text: "first_day = 2030-01-01\n" + text, DataError, "must be followed by days"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, change, error, told):
    path = described(tmp_path, orders())
    path.write_text(change(ORDERS))
    with pytest.raises(error, match=told):
        cleaned(path)


def test_the_descriptions_in_the_docs_are_valid_ones(tmp_path, data, monkeypatch):
    page = Path(__file__).parents[4] / "docs" / "validity.md"
    monkeypatch.setenv("FUNNELAB_DATA", str(data))
    blocks = re.findall(r"^```toml\n# (\w+.toml)\n(.*?)^```$", page.read_text(), re.M | re.DOTALL)
    assert [name for name, _ in blocks] == ["shop.toml", "retail.toml"]
    for name, block in blocks:
        (tmp_path / name).write_text(block)
    retail = read_own_log(tmp_path / "retail.toml")
    assert Path(os.path.expandvars(retail.orders.path)).is_file()
    spec = read_own_log(tmp_path / "shop.toml")
    assert spec.orders.path == str(tmp_path / "orders.csv")
    assert spec.results.columns.position == "rank"


def test_a_log_of_nothing_usable_says_what_was_left_out(tmp_path):
    with pytest.raises(DataError, match="orders whose price is not above 0: "):
        cleaned(described(tmp_path, orders().assign(price=0)))


def test_ids_are_the_same_in_both_tables_whatever_their_type(tmp_path):
    """Blanks make floats of whole numbers: 7 in one table is 7.0 in the other."""
    shown = results().assign(clicked=0)
    shown["customer"] = np.arange(len(shown)) % 50
    late = shown.iloc[:3].assign(clicked=1, time=START + pd.Timedelta(days=2))
    sold = orders()
    sold["customer"] = (100 + np.arange(len(sold))).astype(float)
    early = late[["customer", "sku"]].assign(
        invoice=["x", "y", "z"], time=START + pd.Timedelta(days=1), price=1.0, units=1
    )
    sold = pd.concat([sold, early.assign(customer=early.customer.astype(float)), sold.iloc[:1]])
    sold.iloc[-1, sold.columns.get_loc("customer")] = np.nan
    with pytest.raises(DataError, match="orders before the first click on their item == 3 of 3"):
        cleaned(described(tmp_path, sold, pd.concat([shown, late])))


def test_a_bot_is_found_in_a_table_that_writes_its_id_otherwise(tmp_path):
    shown = results()
    shown["customer"] = np.arange(len(shown)) % 50
    bot = shown.iloc[[0] * 900].assign(customer=999, page=np.arange(900) + 10_000, time=START)
    sold = orders()
    sold["customer"] = [f"{number % 40}" for number in range(len(sold))]
    crawled = sold.iloc[:2].assign(customer="999", invoice="by a bot")
    log = cleaned(described(tmp_path, pd.concat([sold, crawled]), pd.concat([shown, bot])))
    assert len(log.sales) == len(sold)


def test_rows_without_an_order_id_are_orders_of_one_shopper_within_an_hour(tmp_path):
    sold = orders()
    blank = sold.assign(invoice=sold.invoice.astype(object))
    blank.iloc[:5, blank.columns.get_loc("invoice")] = None
    log = cleaned(described(tmp_path, blank))
    assert found(log)["order rows without an order's id"].rows == 5
    assert len(log.sales) == len(sold)
    assert (np.diff(np.sort(log.sales.order_L)) <= 1).all()
    pairs = np.unique(np.stack([log.sales.order_L, log.sales.shopper_L]), axis=1)
    assert len(np.unique(pairs[0])) == pairs.shape[1]  # no order of two shoppers


def test_an_order_id_of_several_shoppers_is_an_order_for_each(tmp_path):
    sold = orders()
    first, second = sold.customer.unique()[:2]
    mixed = sold.assign(invoice=sold.invoice.mask(sold.customer.isin([first, second]), "again"))
    log = cleaned(described(tmp_path, mixed))
    assert found(log)["ids of orders that several shoppers have"].rows == 1
    assert len(log.sales.orders) == mixed.groupby(["customer", "invoice"]).ngroups


def test_results_without_a_page_are_left_out_and_counted(tmp_path):
    shown = results()
    shown["page"] = shown.page.astype(object)
    shown.iloc[:3, shown.columns.get_loc("page")] = None
    log = cleaned(described(tmp_path, orders(), shown))
    assert found(log)["results without a page"].rows == 3
    assert len(log.results) == len(shown) - 3


@pytest.mark.parametrize("each", [1, 10**3, 10**6, 10**9])
def test_times_are_read_in_the_unit_that_they_are_in(tmp_path, each):
    sold = orders()
    seconds = (pd.to_datetime(sold.time) - pd.Timestamp(0)).dt.total_seconds()
    log = cleaned(described(tmp_path, sold.assign(time=(seconds * each).astype("int64"))))
    assert log.first_day == "2026-03-02"


@pytest.mark.parametrize("wrong", [4e20, 1.7e18])
def test_a_time_of_another_unit_is_refused(tmp_path, wrong):
    sold = orders()
    seconds = (pd.to_datetime(sold.time) - pd.Timestamp(0)).dt.total_seconds()
    seconds.iloc[0] = wrong
    with pytest.raises(DataError, match=r"orders.columns.at == .*e\+.*, must be a time: seconds"):
        cleaned(described(tmp_path, sold.assign(time=seconds)))
