"""A log beside the simulated one: a log of the simulator itself passes, another shop's is told."""

import numpy as np
import pandas as pd
import pytest

from experiments.cli import run_command
from experiments.records.reading import read_record, row_of, rows_of
from experiments.records.validity import Validity, Verdict
from experiments.validate.ownlog.compare import compare
from tests.experiments.small_runs import table
from tests.experiments.validate.evidences import evidence, log_of
from tests.experiments.validate.ownlog.shoplogs import RESULTS, described, results

START = pd.Timestamp("2026-03-02")


def own_files(run, folder, *, shoppers=lambda rows: rows):
    """The history of a run, as the files of a shop tell it; pages of which nothing was seen too."""
    log = log_of(run, "history")
    sold = shoppers(table(log, "orders"))
    frame = pd.DataFrame(
        {
            "customer": sold.shopper,
            "invoice": sold.session,
            "sku": sold["item"],
            "time": START + pd.to_timedelta(sold["at"], unit="s"),
            "price": sold.price * 1.3,
            "units": sold.quantity,
        }
    )
    shown = shoppers(table(log, "exposures"))
    requests = shoppers(table(log, "requests"))
    asked = requests.set_index("request").loc[shown.request]
    place = shown.groupby("request").position.rank().astype(int)
    results = pd.DataFrame(
        {
            "page": shown.request,
            "customer": shown.shopper,
            "sku": shown["item"],
            "time": START + pd.to_timedelta(asked["at"].to_numpy(), unit="s"),
            "place": place.to_numpy(),
            "clicked": shown.clicked.astype(int),
            "query": asked.text.to_numpy(),
            "device": np.where(asked.device == 0, "phone", "desktop"),
        }
    )
    empty = requests[~requests.request.isin(shown.request)]
    nothing = pd.DataFrame(
        {
            "page": empty.request,
            "customer": empty.shopper,
            "time": START + pd.to_timedelta(empty["at"], unit="s"),
            "clicked": 0,
            "query": empty.text,
            "device": np.where(empty.device == 0, "phone", "desktop"),
        }
    )
    results = pd.concat([results.astype({"sku": "Int64", "place": "Int64"}), nothing])
    path = described(folder, frame, results)
    path.write_text(path.read_text() + 'device = "device"\n')
    return path


@pytest.fixture(scope="module")
def itself(small_run, tmp_path_factory):
    """Of half of the shoppers, whom the simulated log has too; told in other words."""
    path = own_files(
        small_run, tmp_path_factory.mktemp("own"), shoppers=lambda rows: rows[rows.shopper % 2 == 0]
    )
    with evidence(small_run) as found:
        return compare(found, path)


def test_a_log_of_the_simulator_itself_passes_but_for_its_prices(itself):
    verdicts = {check.fact: check.verdict for check in itself.checks}
    failed = [check for check in itself.checks if check.verdict is Verdict.FAIL]
    assert failed == []
    for fact in ("order_value_over_its_median", "items_per_order", "clicks_of_a_page"):
        assert verdicts[fact] is Verdict.PASS
    assert [each.what for each in itself.facts.findings] == ["pages that showed nothing"]


def test_clicks_of_both_logs_are_foretold_alike(itself):
    rows = itself.facts.perplexities
    own_models, simulated_models = (
        {row.model for row in rows_of(rows, log=of)} for of in ("own", "simulated")
    )
    models = own_models & simulated_models
    assert "pbm" in models
    for model in models:
        own, simulated = (row_of(rows, model=model, log=of) for of in ("own", "simulated"))
        assert own.perplexity == pytest.approx(simulated.perplexity, abs=0.05)
        assert own.pages < simulated.pages


def test_orders_are_counted_in_either_log(itself, small_run):
    sold = table(log_of(small_run, "history"), "orders")
    assert itself.facts.simulated_orders == sold.session.nunique()
    assert itself.facts.orders == sold[sold.shopper % 2 == 0].session.nunique()


def test_another_shop_is_told_apart_and_its_quantiles_are_shown(small_run, tmp_path):
    with evidence(small_run) as found:
        told = compare(found, described(tmp_path, shown=results()))
    failed = {check.fact for check in told.checks if check.verdict is Verdict.FAIL}
    assert {"order_value", "told_apart_by_a_classifier"} <= failed
    pairs = rows_of(told.facts.quantiles, fact="order_value")
    assert len(pairs) == 19
    assert np.all(np.diff([pair.own for pair in pairs]) >= 0)


def test_a_log_whose_pages_lack_places_has_no_click_models_and_says_so(small_run, tmp_path):
    shown = results()
    shown["place"] = ""
    with evidence(small_run) as found:
        told = compare(found, described(tmp_path, shown=shown))
    whats = [finding.what for finding in told.facts.findings]
    assert "results without a position" in whats
    assert "log without a whole page" in whats
    assert told.facts.perplexities == ()


def test_the_command_compares_and_tells(small_run, tmp_path, capsys):
    path = own_files(small_run, tmp_path / "own")
    out = tmp_path / "out"
    run_command(
        [
            "validate",
            str(small_run),
            "--out",
            str(out),
            "--log",
            str(path),
            "--audit",
            "0",
            "--lives",
            "2",
        ]
    )
    record = read_record(Validity, out)
    assert record.own_log.days == 2
    assert "Your own log" in capsys.readouterr().out
    page = (out / "validity.html").read_text()
    for told in ("Your own log beside the simulated one", "What tells", "How well clicks are"):
        assert told in page


def test_a_log_that_cannot_be_read_is_refused_before_anything_is_written(
    small_run, tmp_path, capsys
):
    out = tmp_path / "out"
    (tmp_path / "bad.toml").write_text(RESULTS)
    status = run_command(
        ["validate", str(small_run), "--out", str(out), "--log", str(tmp_path / "bad.toml")]
    )
    assert status == 2
    assert "orders" in capsys.readouterr().err
    assert not out.exists()
