"""A whole run: the same log every time, the truth in it, and a report whatever plug-ins do."""

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cqsid.kernels.choice import told
from experiments.cli import run_command
from experiments.running.run import run_experiment
from experiments.stages.progress import LineProgress
from simulator.errors import ContractError, FunnelabError, StoreError
from tests.experiments.small_runs import (
    PLAIN,
    SMALL,
    begun,
    content,
    log_digests,
    read,
    run,
    small_config,
    stage,
    table,
)

pytestmark = pytest.mark.long

PLUGINS = "tests.experiments.plugins"


def with_channels(*objects: str) -> str:
    """TOML that adds plug-in channels; their names are the objects' in lower case."""
    return "".join(
        f'[channels.{name.lower()}]\ntype = "custom"\nobject = "{PLUGINS}:{name}"\n'
        for name in objects
    )


# --- the same seed gives the same log


@pytest.mark.parametrize("batch_size", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_the_batch_size_of_a_service_does_not_change_any_log(
    tmp_path: Path, small_run: Path, batch_size: int
) -> None:
    again = run(small_config(f"execution.batch_size={batch_size}"), tmp_path / "run")
    assert log_digests(again) == log_digests(small_run)
    assert read(again, "metrics") == read(small_run, "metrics")
    assert read(again, "truth") == read(small_run, "truth")


def test_worlds_in_two_processes_leave_the_same_logs(tmp_path: Path, small_run: Path) -> None:
    again = run(small_config("execution.processes=2"), tmp_path / "run")
    assert log_digests(again) == log_digests(small_run)
    assert read(again, "manifest")["log_digest"] == read(small_run, "manifest")["log_digest"]


def test_another_seed_gives_another_log(tmp_path: Path, small_run: Path) -> None:
    other = run(small_config("seed=6", "truth.seeds=0"), tmp_path / "run")
    assert not set(log_digests(other).values()) & set(log_digests(small_run).values())


# --- truth


def test_identical_arms_have_a_true_effect_of_exactly_zero(tmp_path: Path, small_run: Path) -> None:
    config = small_config('arms.dense.channels=["lexical", "popular"]', "arms.dense.name=twin")
    folder = run(config, tmp_path / "run", like=small_run)
    for row in read(folder, "truth")["truth"]:
        assert row["effect"] == {"estimate": 0, "low": 0, "high": 0}, row["metric"]
    worlds = [stage(folder, f"truth-{arm}-0") / "log" for arm in ("control", "twin")]
    for name in ("exposures", "requests", "orders", "sessions"):
        one, other = (table(world, name).drop(columns="arm") for world in worlds)
        assert len(one) > 50
        pd.testing.assert_frame_equal(one, other)


def test_arms_that_differ_have_a_true_effect_measured_on_paired_luck(small_run: Path) -> None:
    rows = {row["metric"]: row for row in read(small_run, "truth")["truth"]}
    effect = rows["ctr"]["effect"]
    assert effect["estimate"] != 0
    assert effect["low"] < effect["estimate"] < effect["high"]
    assert rows["gmv"]["realised"]["pairing_factor"] > 1
    visits = [
        table(stage(small_run, f"truth-{arm}-0") / "log", "requests").query("page == 0")
        for arm in ("control", "dense")
    ]
    first, second = (set(one["session"]) for one in visits)
    assert first == second  # the same visits in both worlds


def test_more_truth_seeds_are_more_worlds_of_the_same_shoppers(
    tmp_path: Path, small_run: Path
) -> None:
    shutil.copytree(small_run, tmp_path / "run", symlinks=True)
    two = run(small_config("truth.seeds=2"), tmp_path / "run", overwrite=True)
    assert {row["seeds"] for row in read(two, "truth")["truth"]} == {2}
    made = {one["name"] for one in read(two, "manifest")["stages"] if not one["cached"]}
    assert made == {"truth-control-1", "truth-dense-1"}
    none = run(small_config("truth.seeds=0"), two, overwrite=True)
    assert not (none / "truth.json").exists()
    assert (none / "report.html").is_file()


# --- what a plug-in does wrong


BROKEN = {
    "raises": ("raised", "RuntimeError: no <service> today (plugins.py, line "),
    "unknownitems": ("unknown_items", "must be ids of the catalogue or -1"),
    "wrongshape": ("bad_shape", "items_BN.shape == "),
    "cannotrefresh": ("raised", "refresh(): KeyError: 'statistics' (plugins.py, line "),
    "shelf": ("deadline", ""),
}


def test_pages_are_served_without_broken_channels_which_the_report_names(
    tmp_path: Path, small_run: Path
) -> None:
    more = with_channels("Raises", "UnknownItems", "WrongShape", "CannotRefresh", "Shelf")
    more += "[channels.shelf.latency]\nbase_s = 30.0\n"
    channels = f"arms.dense.channels={['lexical', *BROKEN]}"
    config = small_config(channels, "truth.seeds=0", more=more, folder=tmp_path)
    folder = run(config, tmp_path / "run", like=small_run)
    health, html = read(folder, "metrics")["health"], (folder / "report.html").read_text()
    served = {row["arm"]: row for row in health["requests"]}
    dropped = {row["channel"]: row for row in health["dropped"]}
    assert set(dropped) == set(BROKEN)
    for channel, (reason, detail) in BROKEN.items():
        row = dropped[channel]
        assert (row["arm"], row["reason"]) == ("dense", reason)
        assert row["requests"] == served["dense"]["requests"]
        assert row["share"] == 1
        assert detail in row["detail"]
        assert channel in html
    assert "no &lt;service&gt; today" in html
    assert served["dense"]["zero_result_rate"] < 0.8  # few words find anything among 500 items
    shown = table(folder / "log", "exposures")
    assert set(shown["sources"][shown["arm"] == 1]) == {1}  # the lexical channel's bit alone


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "CannotFit",
            r"channels.cannotfit: fit\(\) raised KeyError\('colour'\) \(.*plugins.py, line \d+\)",
        ),
        ("CannotBeKept", r"channels.cannotbekept: .*must be data"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_channel_that_cannot_be_trained_or_kept_is_a_contract_error(
    tmp_path: Path, small_run: Path, name: str, wanted: str, processes: int
) -> None:
    config = small_config(
        f'arms.dense.channels=["lexical", "{name.lower()}"]',
        f"execution.processes={processes}",
        more=with_channels(name),
        folder=tmp_path,
    )
    with pytest.raises(ContractError, match=wanted):
        run(config, tmp_path / "run", like=small_run)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "RankerCannotFit",
            "ranker: merge_order.fit() raised IndexError('too few examples') (tests/",
        ),
        (
            "RankerRaises",
            "arms.dense: merge_order.score() raised RuntimeError('no scores today') (tests",
        ),
        ("RankerOfAnotherShape", "arms.dense: merge_order.score() == shape ("),
        ("RankerOfNumbersThatAreNone", "arms.dense: merge_order.score() == nan, must be finite"),
    ],
)
def test_a_ranker_that_breaks_its_contract_stops_the_run_with_one_clear_message(
    tmp_path: Path,
    small_run: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    wanted: str,
) -> None:
    settings = ("ranker.type=custom", f"ranker.object={PLUGINS}:{name}")
    options = [word for each in settings for word in ("--set", each)]
    folder = begun(tmp_path / "run", small_run)
    assert run_command(["run", str(SMALL), "--out", str(folder), *options]) == 3
    error = capsys.readouterr().err
    assert wanted in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (["object=nowhere:X"], "object == 'nowhere:X', must name a module that is there"),
        ([f"object={PLUGINS}:Nothing"], "must name an object in tests.experiments.plugins"),
        (['object="builtins:dict"'], "builtins:dict() == dict without fit and recall, must have"),
        ([f"object={PLUGINS}:Shelf", "options.end=3"], "Shelf(**{'end': 3}) raised TypeError"),
    ],
)
def test_a_channel_that_cannot_be_made_stops_a_run_before_its_first_stage(
    tmp_path: Path, settings: list[str], wanted: str
) -> None:
    more = with_channels("Shelf")
    overrides = [f"channels.shelf.{each}" for each in settings]
    config = small_config(*overrides, more=more, folder=tmp_path)
    with pytest.raises(ContractError) as caught:
        run(config, tmp_path / "run")
    assert str(caught.value).startswith("channels.shelf: ")
    assert wanted in str(caught.value)
    assert not list((tmp_path / "run" / "stages").glob("*-*"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("clicks_unseen", "clicked == True where not examined, must be examined first"),
        ("clicks_of_one_column", "examined == bool of shape (2, 1), must be bool of shape (2, 5)"),
        ("FirstResults", "raised TypeError"),
        ("Nothing", "must name an object in"),
    ],
)
def test_a_broken_click_model_stops_a_run_before_its_first_stage(
    tmp_path: Path, name: str, wanted: str
) -> None:
    model = {"type": "custom", "object": f"{PLUGINS}:{name}"}
    model |= {"options": {"three": 3}} if name == "FirstResults" else {}
    config = small_config()
    behavior = config.world.behavior.model_copy(
        update={"click_model": type(config.world.behavior)(click_model=model).click_model}
    )
    world = config.world.model_copy(update={"behavior": behavior})
    with pytest.raises(ContractError) as caught:
        run(config.model_copy(update={"world": world}), tmp_path / "run")
    assert str(caught.value).startswith("world.behavior.click_model: ")
    assert wanted in str(caught.value)


# --- other designs, click models, catalogues and plug-ins


@pytest.mark.slow
def test_three_arms_of_unequal_shares_with_statistics_of_their_own(
    tmp_path: Path, small_run: Path
) -> None:
    more = '[[arms]]\nname = "third"\nshare = 0.1\nchannels = ["popular"]\n'
    overrides = ("arms.control.share=0.6", "arms.dense.share=0.3")
    settings = (*overrides, "world.statistics=per_arm", "world.behavior.click_model.type=cascade")
    config = small_config(*settings, more=more, folder=tmp_path)
    folder = run(config, tmp_path / "run", like=small_run)
    metrics, truth = read(folder, "metrics"), read(folder, "truth")
    contrasts = {("control", "dense"), ("control", "third")}
    assert {tuple(row["contrast"]) for row in metrics["estimates"]} == contrasts
    assert {tuple(row["contrast"]) for row in truth["truth"]} == contrasts
    (assigned,) = (row for row in metrics["srm"] if row["population"] == "assigned")
    assert sum(assigned["counts"]) == 600
    assert assigned["p_value"] > 1e-4
    clicks = table(folder / "log", "exposures").groupby("request")["clicked"].sum()
    assert clicks.max() == 1  # the cascade's reader stops at the first click


def test_a_users_own_click_model_and_ranker_decide(tmp_path: Path, small_run: Path) -> None:
    more = f'[world.behavior.click_model]\ntype = "custom"\nobject = "{PLUGINS}:FirstResults"\n'
    more += "[world.behavior.click_model.options]\nresults = 2\n"
    settings = ("ranker.type=custom", f"ranker.object={PLUGINS}:Cheapest", "truth.seeds=0")
    config = small_config(*settings, more=more, folder=tmp_path)
    folder = run(config, tmp_path / "run", like=small_run)
    shown = table(folder / "log", "exposures").merge(
        table(folder / "log", "requests")[["request", "page", "device"]], on="request"
    )
    first = shown["position"] - shown["page"] * np.where(shown["device"] == 0, 10, 20)
    assert shown["clicked"].any()
    assert set(first[shown["clicked"]]) == {0, 1}


@pytest.mark.parametrize("suffix", ["csv", pytest.param("jsonl", marks=pytest.mark.slow)])
def test_a_catalogue_of_ids_titles_and_prices_is_enough(tmp_path: Path, suffix: str) -> None:
    things, colours = ("lamp", "chair", "table", "mug"), ("red", "blue", "green", "white", "black")
    rows = [
        {"id": f"{n}", "title": f"{colours[n % 5]} {things[n % 4]} {n // 20}", "price": 5 + n / 2}
        for n in range(80)
    ]
    file = tmp_path / f"shop.{suffix}"
    shop = pd.DataFrame(rows)
    if suffix == "csv":
        shop.to_csv(file, index=False)
    else:
        shop.to_json(file, orient="records", lines=True)
    text = SMALL.read_text().replace("[catalog]\nitems = 300", f'[catalog.file]\npath = "{file}"')
    (tmp_path / "own.toml").write_text(text)
    options = [word for each in PLAIN for word in ("--set", each)]
    words = ["run", str(tmp_path / "own.toml"), "--out", str(tmp_path / "run"), *options]
    assert run_command(words) == 0
    manifest = read(tmp_path / "run", "manifest")
    assert manifest["items"] == 80
    assert len(table(tmp_path / "run" / "log", "exposures")) > 1000


# --- what a run folder keeps


def test_a_finished_run_is_not_replaced_by_one_with_other_settings(
    tmp_path: Path, small_run: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run, folder, symlinks=True)
    before = content(folder)
    with pytest.raises(StoreError, match=r"finished run with other settings \(seed == 5, now 6\)"):
        run(small_config("seed=6"), folder)
    assert content(folder) == before
    run(small_config("execution.batch_size=7"), folder)  # the same results, made otherwise
    assert all(one["cached"] for one in read(folder, "manifest")["stages"])
    run(small_config("analysis.confidence=0.9"), folder, overwrite=True)
    assert read(folder, "metrics")["confidence"] == 0.9


def test_a_run_that_fails_leaves_the_results_of_the_one_before(
    tmp_path: Path, small_run: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run, folder, symlinks=True)
    before = content(folder)
    config = small_config("ranker.type=custom", f"ranker.object={PLUGINS}:RankerRaises")
    with pytest.raises(FunnelabError):
        run(config, folder, overwrite=True)
    assert before.items() <= content(folder).items()


def test_a_spoiled_file_of_a_finished_stage_is_named_and_its_stage_made_again(
    tmp_path: Path, small_run: Path
) -> None:
    folder, told = tmp_path / "run", io.StringIO()
    shutil.copytree(small_run, folder, symlinks=True)
    files = ["log/exposures/part-00000.parquet", "state.npz"]
    for name, file in zip(["experiment", "history"], files, strict=True):
        spoiled = stage(folder, name) / file
        spoiled.write_bytes(spoiled.read_bytes()[:-100])
    run_experiment(small_config(), folder, progress=LineProgress(told), command="a test")
    for name, file in zip(["experiment", "history"], files, strict=True):
        damage = f"damaged in the store ({file} has changed since it was written), made again"
        assert f"{name}: {damage}" in told.getvalue().splitlines()
    again = {one["name"] for one in read(folder, "manifest")["stages"] if not one["cached"]}
    assert again == {"experiment", "history"}
    assert log_digests(folder) == log_digests(small_run)
    assert read(folder, "metrics") == read(small_run, "metrics")


def test_the_manifest_tells_stages_versions_and_the_most_memory_of_any_process(
    small_run: Path,
) -> None:
    manifest = read(small_run, "manifest")
    stages = manifest["stages"]
    assert manifest["peak_memory_mb"] >= max(one["peak_memory_mb"] for one in stages) > 50
    assert {"catalogue", "history", "ranker", "experiment"} <= {one["name"] for one in stages}
    assert not any(one["cached"] for one in stages if one["name"] != "ranker")
    assert {"python", "torch", "numpy", "duckdb", "tea-tasting"} <= set(manifest["versions"])
    assert manifest["kernels"] == told()
    assert manifest["log_digest"] == log_digests(small_run)[stage(small_run, "experiment").name]


# --- settings that reach through the whole run


def test_a_quota_limits_what_a_channel_brings_in_alone(tmp_path: Path, small_run: Path) -> None:
    """The quota names a channel that the bootstrap funnel of the history does not have."""
    config = small_config("funnel.merge.quotas.dense=5", "log.candidate_rate=1.0", "truth.seeds=0")
    log = stage(run(config, tmp_path / "run", like=small_run), "experiment") / "log"
    found = table(log, "candidates")
    alone = found[found.sources == 1 << list(config.channels).index("dense")]
    assert len(alone) > 100
    assert alone.rank_dense.max() == 4


def test_screens_may_be_smaller_than_the_funnels_pages(tmp_path: Path) -> None:
    sizes = ("shoppers.phone_slots=3", "shoppers.desktop_slots=7")
    folder = run(small_config(*sizes, "truth.seeds=0"), tmp_path / "run")
    requests = table(stage(folder, "experiment") / "log", "requests")
    assert requests.groupby("device").shown.max().to_dict() == {0: 3, 1: 7}
