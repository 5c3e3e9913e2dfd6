"""A finished run opened in Python says what its files say, with the user's names."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from experiments.notebook.logtables import FOUND_BY
from experiments.notebook.results import Results, open_run
from experiments.records.reading import write_record
from simulator.errors import ConfigError, DataError, StoreError
from tests.experiments.report.ids.fake_results import fake_record as fake_ids
from tests.experiments.report.rewards.fake_record import fake_record as fake_rewards
from tests.experiments.report.sweep.fake_sweep import fake_sweep
from tests.experiments.small_runs import read, table, with_log_of

KEY = ["metric", "control_arm", "treatment_arm"]


@pytest.fixture(scope="module")
def small(small_run: Path) -> Results:
    return open_run(small_run)


def test_frames_have_the_numbers_of_the_files(small: Results, small_run: Path) -> None:
    told = read(small_run, "metrics")["estimates"]
    assert len(small.estimates) == len(told)
    for row, wanted in zip(small.estimates.to_dict("records"), told, strict=True):
        assert [row["control_arm"], row["treatment_arm"]] == wanted["contrast"]
        assert row["metric"] == wanted["metric"]
        if wanted["relative"]["low"] is not None:
            assert row["relative_low"] == wanted["relative"]["low"]
    effects = {
        row["metric"]: row["relative"]["estimate"] for row in read(small_run, "truth")["truth"]
    }
    found = dict(zip(small.truth["metric"], small.truth["relative"], strict=True))
    assert found == pytest.approx(effects, nan_ok=True)


def test_a_run_opened_by_a_relative_path_is_found_from_elsewhere(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small_run.parent)
    opened = open_run(small_run.name)
    monkeypatch.chdir(tmp_path)
    assert len(opened.service) > 0
    assert len(opened.requests()) > 0


def test_estimates_and_truths_merge_by_metric_and_arms(small: Results) -> None:
    plain = small.estimates[~small.estimates["cuped"]]
    both = plain.merge(small.truth, on=KEY, suffixes=("", "_true"))
    assert len(both) == len(small.truth)
    assert both["relative_true"].notna().any()


def test_shares_are_the_credit_of_everything_together(small: Results) -> None:
    assert {"cut", "part"} <= set(small.credit)
    assert not {"cut", "part"} & set(small.shares)
    fractional = small.shares.query("rule == 'fractional' and event == 'exposure'")
    assert fractional.groupby("arm")["share"].sum().tolist() == pytest.approx([1.0, 1.0])


def test_logs_have_names_in_the_place_of_numbers(small: Results, small_run: Path) -> None:
    shown, raw = small.exposures(), table(small_run / "log", "exposures")
    assert len(shown) == len(raw)
    assert set(shown["arm"]) == {"control", "dense"}
    found = [name for name in shown if name.startswith(FOUND_BY)]
    assert found == ["found_by_lexical", "found_by_popular", "found_by_dense"]
    assert shown["found_by_popular"].sum() == ((raw["sources"].to_numpy() >> 1) & 1).sum()
    items = small.items()
    titles = dict(zip(items["item"], items["title"], strict=True))
    ids = dict(zip(items["item"], items["item_id"], strict=True))
    assert shown["title"].tolist() == [titles[item] for item in shown["item"]]
    assert shown["item_id"].tolist() == [ids[item] for item in shown["item"]]
    assert small.orders()["title"].notna().all()


def test_requests_have_their_texts(small: Results, small_run: Path) -> None:
    asked, texts = small.requests(), table(small_run / "log", "texts")
    raw = table(small_run / "log", "requests").set_index("request")["text"]
    string = texts.set_index("text")["string"]
    sample = asked.head(50)
    assert sample["text"].tolist() == [string[raw[request]] for request in sample["request"]]
    assert set(asked["device"]) <= {"phone", "desktop"}


def test_tables_are_given_as_arrow_where_asked(small: Results) -> None:
    made = small.orders("arrow")
    assert isinstance(made, pa.Table)
    assert made.to_pandas().equals(small.orders())
    assert isinstance(small.items("arrow"), pa.Table)
    with pytest.raises(ConfigError, match="as_ == 'polars', must be 'pandas' or 'arrow'"):
        small.items("polars")  # type: ignore[arg-type]


def test_a_run_shows_itself_in_words_tables_and_pictures(small: Results) -> None:
    assert "True effect" in small.prose
    assert str(small) == small.prose
    told = small.to_markdown()
    assert told.startswith("## small\n")
    assert "| gmv |" in told
    shown = small._repr_html_()
    assert "<table" in shown
    assert "True effect" in shown
    effects = small.pictures["effects"]
    assert effects.html.startswith("<!doctype html>")
    assert '<section id="effects"' in effects.html
    assert "<style>" in effects.html
    assert "iframe" in effects._repr_html_()
    assert repr(small) == f"Results({str(small.folder)!r})"


def test_a_run_agrees_with_itself(small: Results) -> None:
    made = small.compare(small)
    assert made["agrees"].fillna(True).all()
    assert made["difference"].abs().max() == 0.0


def test_settings_are_those_of_the_run(small: Results) -> None:
    assert (small.config.name, small.config.shoppers.count) == ("small", 600)


def test_an_id_bench_a_reward_lab_and_a_sweep_are_opened_alike(tmp_path: Path) -> None:
    for name, record in (("ids", fake_ids()), ("lab", fake_rewards()), ("sweep", fake_sweep())):
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, record)
        if name != "sweep":
            with pytest.raises(
                StoreError, match=r"has no manifest\.json, must have it: it is being"
            ):
                open_run(tmp_path / name)
            (tmp_path / name / "manifest.json").touch()
    bench, lab, swept = (open_run(tmp_path / name) for name in ("ids", "lab", "sweep"))
    assert {"scheme", "measure", "value", "value_low"} <= set(bench.ids)
    assert len(bench.id_gains) > 0
    assert {"policy", "metric", "relative_high"} <= set(lab.rewards)
    assert len(lab.rewards_offline) > 0
    keys = fake_sweep().keys
    assert set(keys) <= set(swept.lifts)
    assert len(swept.cells) == len(fake_sweep().cells)
    for opened in (bench, lab, swept):
        assert opened.prose
        assert opened.to_markdown().startswith(f"## {opened.name}")
        assert all("<html" in picture.html for picture in opened.pictures.values())
        with pytest.raises(StoreError, match=r"has no metrics\.json, must have it: `funnelab run`"):
            _ = opened.estimates


def test_what_cannot_be_opened_is_told_plainly(small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere == no folder, must be that of a finished run"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(
        StoreError, match=r"has no results, must have metrics\.json \(`funnelab run`\)"
    ):
        open_run(tmp_path)
    (tmp_path / "begun" / "stages").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"has no results, .*: it is being written or was stopped"):
        open_run(tmp_path / "begun")
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("metrics.json", "config.toml"):
        shutil.copy(small_run / name, copy)
    with pytest.raises(StoreError, match=r"it is being written or was stopped, and the same comm"):
        open_run(copy)
    shutil.copy(small_run / "manifest.json", copy)
    opened = open_run(copy)
    with pytest.raises(StoreError, match=r"has no truth\.json, must have it: .* truth\.seeds > 0"):
        _ = opened.truth
    older = json.loads((copy / "metrics.json").read_text()) | {"schema": 1}
    (copy / "metrics.json").write_text(json.dumps(older))
    with pytest.raises(
        DataError, match="schema == 1, must be 2: it was written by another version"
    ):
        open_run(copy)


def test_frames_are_plain_pandas(small: Results) -> None:
    for name in ("estimates", "daily", "sample_ratios", "funnel", "latency", "truth", "headroom"):
        made = getattr(small, name)
        assert isinstance(made, pd.DataFrame), name
        assert not made.map(lambda cell: isinstance(cell, tuple | list | dict)).any().any(), name


def test_items_of_a_store_of_another_version_or_not_whole_are_refused(
    small_run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(small_run, copy, symlinks=True)
    (copy / "stages" / "store.json").write_text(json.dumps({"store": 1}))
    with pytest.raises(StoreError, match="store version 1, must be 2"):
        open_run(copy).items()
    shutil.copy(small_run / "stages" / "store.json", copy / "stages")
    (catalogue,) = (copy / "stages").glob("catalogue-*")
    shutil.rmtree(catalogue)
    with pytest.raises(StoreError, match=r"must be as it was written"):
        open_run(copy).exposures()


def test_a_log_without_provenance_or_without_a_log_is_told(small_run: Path, tmp_path: Path) -> None:
    copy = with_log_of(small_run, tmp_path / "run", without="sources")
    with pytest.raises(DataError, match=r"exposures has no column 'sources', must have it: which"):
        open_run(copy).exposures()
    assert len(open_run(copy).requests()) > 0
    (copy / "log").unlink()
    with pytest.raises(DataError, match=r"log == no manifest\.json, must be a log folder"):
        open_run(copy).requests()
    assert "effects" in open_run(copy).pictures


def test_a_run_without_truth_still_says_what_its_test_says(small_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("metrics.json", "config.toml", "manifest.json"):
        shutil.copy(small_run / name, copy)
    told = open_run(copy)
    assert "no simulated truth was computed" in told.prose
    assert len(told.estimates) > 0
    with pytest.raises(StoreError, match=r"has no truth\.json"):
        told.compare(told)
