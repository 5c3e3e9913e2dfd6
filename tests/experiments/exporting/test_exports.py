"""What is exported has the numbers of the run, in the form that other tools read."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.analyze.run import log_spec, scorecard_of
from experiments.cli import run_command
from experiments.exporting.exports import FORMATS, export
from experiments.notebook.results import Results, open_run
from experiments.records.experiment.scorecard import Scorecard
from experiments.records.reading import write_record
from simulator.errors import ConfigError, DataError
from tests.experiments.report.ids.fake_results import fake_record as fake_ids
from tests.experiments.small_runs import run, small_config, table, with_log_of


@pytest.fixture(scope="module")
def small(small_run: Path) -> Results:
    return open_run(small_run)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_tables_have_findings_log_and_items(small: Results, kind: str, tmp_path: Path) -> None:
    made = export(small.folder, kind, tmp_path / "out")
    names = {path.stem for path in made}
    assert {"estimates", "truth", "shares", "requests", "exposures", "orders", "items"} <= names
    read = pd.read_parquet if kind == "parquet" else pd.read_csv
    found = {path.stem: read(path) for path in made}
    assert found["truth"]["relative"].tolist() == pytest.approx(
        small.truth["relative"].tolist(), nan_ok=True
    )
    assert found["exposures"]["title"].tolist() == small.exposures()["title"].tolist()
    assert len(found["items"]) == len(small.items())


@pytest.fixture(scope="module")
def ubi(small: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    queries, events = export(small.folder, "ubi", tmp_path_factory.mktemp("ubi"))
    return queries, events


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_ubi_has_what_its_schema_asks_for(ubi: tuple[Path, Path], small: Results) -> None:
    """Required fields, lengths and kinds of UBI 1.3.0."""
    queries, events = map(lines, ubi)
    assert len(queries) == len(small.requests())
    for row in queries:
        assert isinstance(row["user_query"], str)
        assert all(len(str(row[name])) <= 100 for name in ("query_id", "client_id", "application"))
        assert isinstance(row["query_response_hit_ids"], list)
    moment = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    for row in events:
        assert row["action_name"] in ("impression", "click", "add_to_cart", "purchase")
        assert moment.match(str(row["timestamp"]))
        attributes = row["event_attributes"]
        assert isinstance(attributes, dict)
        assert attributes["position"]["ordinal"] >= 1
        assert isinstance(attributes["object"]["object_id"], str)


def test_the_hits_of_a_query_are_its_page_in_order(ubi: tuple[Path, Path], small: Results) -> None:
    shown = small.exposures().sort_values(["request", "position"])
    wanted = shown.groupby("request")["item_id"].agg(list).to_dict()
    for row in lines(ubi[0]):
        assert row["query_response_hit_ids"] == wanted.get(int(str(row["query_id"])), [])


def test_an_exported_log_that_is_analysed_says_what_the_run_says(
    ubi: tuple[Path, Path], small: Results
) -> None:
    queries, events = ubi
    card = analysed(queries, events)
    shown = small.exposures()
    clicks = shown[shown["clicked"]].groupby("arm").size()
    orders = small.orders().groupby("arm").size()
    asked = small.requests().groupby("arm")["shopper"].nunique()
    for name, counts in (("clicks", clicks), ("purchases", orders)):
        row = card.deciding(name, ("control", "dense"))
        assert (row.n_control, row.n_treatment) == (asked["control"], asked["dense"])
        assert row.control == pytest.approx(counts["control"] / asked["control"])
        assert row.treatment == pytest.approx(counts["dense"] / asked["dense"])


def analysed(queries: Path, events: Path) -> Scorecard:
    spec = {
        "ubi": {"queries": str(queries), "events": str(events), "arm": "query_attributes.arm"},
        "control": "control",
        "metrics": [
            {"name": "clicks", "where": "event = 'click'"},
            {"name": "purchases", "where": "event = 'purchase'"},
        ],
    }
    return scorecard_of(log_spec(spec, "a test"))


def test_bandit_feedback_needs_chance_and_has_its_probabilities(
    small: Results, small_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"propensity == 1 in every slot, must be below"):
        export(small.folder, "obp", tmp_path / "none")
    assert not (tmp_path / "none").exists()
    config = small_config("funnel.exploration=0.3", "truth.seeds=0", "world.days=1")
    folder = run(config, tmp_path / "run", like=small_run)
    (path,) = export(folder, "obp")
    with np.load(path) as file:
        feedback = {name: file[name][()] for name in file.files}
    raw = table(folder / "log", "exposures")
    assert feedback["n_rounds"] == len(raw)
    assert feedback["reward"].sum() == raw["clicked"].sum()
    assert np.sort(feedback["pscore"]) == pytest.approx(np.sort(raw["propensity"].to_numpy()))
    assert feedback["context"].shape == (len(raw), 11)
    assert (feedback["context"].sum(axis=1) == 3).all()
    assert set(feedback["policy"]) == {"control", "dense"}
    assert feedback["n_actions"] == len(feedback["action_title"]) == 300


def test_a_log_without_what_a_form_needs_is_refused_and_leaves_nothing(
    small_run: Path, tmp_path: Path
) -> None:
    blind = with_log_of(small_run, tmp_path / "blind", without="sources")
    for kind in ("parquet", "csv", "ubi", "trl"):
        with pytest.raises(DataError, match="exposures has no column 'sources', must have it"):
            export(blind, kind, tmp_path / kind)
        assert not (tmp_path / kind).exists()
    unknown = with_log_of(small_run, tmp_path / "unknown", without="propensity")
    with pytest.raises(DataError, match="exposures has no column 'propensity', must have it"):
        export(unknown, "obp", tmp_path / "obp")
    (shard,) = ((unknown / "log").resolve() / "exposures").glob("*.parquet")
    bare = pq.read_table(shard)
    for chance, told in ((None, r"unknown in [\d,]+ of"), (0.0, "0 in exposures, must be above 0")):
        column = pa.array([chance] * len(bare), pa.float32())
        pq.write_table(bare.append_column("propensity", column), shard)
        with pytest.raises(DataError, match=f"propensity == {told}"):
            export(unknown, "obp", tmp_path / "obp")
    (unknown / "log").unlink()
    with pytest.raises(DataError, match=r"log == no manifest\.json"):
        export(unknown, "csv", tmp_path / "csv")


def test_preferences_are_of_a_click_and_the_skipped_item_above(
    small: Results, tmp_path: Path
) -> None:
    (path,) = export(small.folder, "trl", tmp_path)
    shown = small.exposures()
    place = shown.set_index(["request", "position"])["clicked"]
    pairs = [
        (request, position)
        for (request, position), clicked in place.items()
        if clicked and (request, position - 1) in place.index and not place[request, position - 1]
    ]
    found = lines(path)
    assert len(found) == len(pairs) > 0
    assert set(found[0]) == {
        *("prompt", "chosen", "rejected", "chosen_id", "rejected_id", "arm", "position"),
    }
    titles = set(small.items()["title"])
    assert all(row["chosen"] in titles and row["rejected"] in titles for row in found)


def test_latex_has_a_line_for_each_row_and_no_path(small: Results, tmp_path: Path) -> None:
    (path,) = export(small.folder, "latex", tmp_path)
    text = path.read_text(encoding="utf-8")
    assert text.count(r"\begin{table}") == len(small.summary.tables)
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == len(small.summary.tables[0].rows)
    assert all(line.count(" & ") == len(small.summary.tables[0].head) - 1 for line in body)
    assert str(small.folder) not in text  # a paper is given away


def test_benches_are_exported_by_what_they_have(tmp_path: Path) -> None:
    (tmp_path / "ids").mkdir()
    write_record(tmp_path / "ids", fake_ids())
    (tmp_path / "ids" / "manifest.json").touch()  # the bench is finished
    names = {path.stem for path in export(tmp_path / "ids", "csv")}
    assert names == {"ids", "id_gains"}
    (path,) = export(tmp_path / "ids", "latex")
    assert r"\toprule" in path.read_text(encoding="utf-8")


def test_the_command_prints_what_it_has_written(
    small: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(small.folder), "--format", "trl", "--out", str(tmp_path / "out")]
    assert run_command(words) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "out" / "preferences.jsonl")]
    words[3] = "excel"
    assert run_command(words) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"--format == 'excel', must be one of: {', '.join(FORMATS)}" in told


def test_unknown_forms_and_folders_are_refused(small: Results, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--format == 'xlsx'"):
        export(small.folder, "xlsx")
    with pytest.raises(Exception, match="must be that of a finished run"):
        export(tmp_path / "nowhere", "csv")
