"""What models tell of their training: into metrics.json, onto the page, never into a result."""

import json
import re
import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cqsid.loggers.listening import EVENTS
from experiments.running.models import MODEL
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from simulator.errors import ContractError
from tests.experiments.small_runs import (
    any_touch,
    begun,
    log_digests,
    read,
    run,
    small_config,
    stage,
)

GENERATIVE = """
[channels.cqsid]
type = "cqsid"
device = "cpu"
text = { subwords = 200, dimensions = 16, hidden = 16, epochs = 1 }
ids.rqvae = { epochs = 3, latent = 8, hidden = 16 }
model = { hidden = 32, heads = 2, kv_heads = 1, layers = 1, ffn = 32 }
serving.beams = 8

[channels.cqsid.training]
held_out = 0.1
item = { epochs = 2.0, batch = 32, evaluate_every = 8 }
query = { epochs = 1.0, batch = 32 }
shopper = { epochs = 1.0, batch = 32 }
"""
ARMS = 'arms.dense.channels=["lexical", "popular", "cqsid"]'
TOLD = ("ranker.provenance=true", "ranker.training=per_arm")
PLUGINS = "tests.experiments.plugins"
OWN = "tests.cqsid.loggers.own:Lines"


class Watching:
    """Progress that keeps what every stage counted."""

    def __init__(self) -> None:
        self.counted: dict[str, list[float]] = {}

    def stage(
        self, name: str, *, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Any]:
        amounts = self.counted.setdefault(name, [])
        return nullcontext(SimpleNamespace(advance=amounts.append))

    def reused(self, name: str) -> None:
        """Nothing to count."""

    def damaged(self, name: str, damage: str) -> None:
        """Nothing to count."""

    def failed(self, name: str, part: str) -> None:
        """Nothing to count."""

    def plan(self, text: str) -> None:
        """Nothing to count."""

    def line(self, what: str, name: str, text: str) -> None:
        """Nothing to count."""


@pytest.fixture(scope="module")
def generative(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generative")
    config = small_config(ARMS, "truth.seeds=0", *TOLD, more=GENERATIVE, folder=folder)
    return run(config, folder / "run", like=small_run)


def rows(folder: Path, model: str) -> list[dict[str, Any]]:
    return [row for row in read(folder, "metrics")["models"] if row["model"] == model]


def test_the_channel_that_serves_tells_of_its_ids_and_stages(generative: Path) -> None:
    (row,) = rows(generative, "channel")
    assert (row["name"], row["arms"]) == ("cqsid", ["dense"])
    report = row["report"]
    assert 0 < report["ids"] <= report["items"] <= 300
    assert len(report["perplexity"]) == len(report["sizes"])
    assert [each["stage"] for each in report["training"]] == ["item", "query", "shopper"]
    assert len(report["training"][0]["validations"]) > 1


def test_the_early_channel_tells_nothing(generative: Path) -> None:
    folder = stage(generative, "channel-cqsid-early")
    assert (folder / "model.safetensors").exists()
    assert not (folder / "report.json").exists()


def test_every_ranker_tells_how_it_fits(generative: Path) -> None:
    found = rows(generative, "ranker")
    assert [row["arms"] for row in found] == [["control"], ["dense"]]
    assert {row["name"] for row in found} == {"learned"}
    assert all(0 < row["report"]["ndcg"] <= 1 for row in found)


def test_arms_that_share_a_ranker_share_its_row(small_run: Path) -> None:
    (row,) = rows(small_run, "ranker")
    assert row["arms"] == ["control", "dense"]


def test_the_page_shows_stages_curves_and_rankers(generative: Path) -> None:
    html = (generative / "report.html").read_text()
    (part,) = re.findall(r'<section id="models".*?</section>', html, re.DOTALL)
    assert part.count('class="chart course"') == 3
    words = re.sub("<[^>]+>", " ", part)
    for said in ("cqsid", "Perplexity by level", "all steps taken", "Rankers", "NDCG of clicks"):
        assert said in words


def test_the_page_shows_the_share_of_the_generative_channel(generative: Path) -> None:
    told = any_touch(generative, "cqsid")
    for event in ("exposure", "click"):
        assert told[event, "dense"] > 0
        assert told[event, "control"] == 0
    html = (generative / "report.html").read_text()
    (part,) = re.findall(r'<section id="credit".*?</section>', html, re.DOTALL)
    assert part.count("cqsid") > 4


def test_without_a_model_that_tells_anything_the_page_has_no_such_section(
    tmp_path: Path, small_run: Path
) -> None:
    config = small_config("ranker.type=merge_order", "truth.seeds=0")
    folder = run(config, tmp_path / "run", like=small_run)
    assert read(folder, "metrics")["models"] == []
    assert "models" not in re.findall(r'href="#(\w+)"', (folder / "report.html").read_text())


@pytest.mark.slow
def test_the_bar_moves_while_a_generator_is_trained_and_ends_at_whole_models(
    tmp_path: Path, generative: Path
) -> None:
    config = small_config(ARMS, "truth.seeds=0", *TOLD, more=GENERATIVE, folder=tmp_path)
    watching = Watching()
    run_experiment(config, tmp_path / "run", progress=watching, command="a test")
    counted = watching.counted["models"]
    stages = tmp_path / "run" / "stages"
    models = len([*stages.glob("channel-*"), *stages.glob("ranker*"), *stages.glob("examples-*")])
    assert sum(counted) == pytest.approx(models)
    assert len(counted) > models + 10
    assert min(counted) > 0
    assert log_digests(tmp_path / "run") == log_digests(generative)


# --- plug-ins


def with_plug_in(name: str) -> str:
    return f'[channels.{name.lower()}]\ntype = "custom"\nobject = "{PLUGINS}:{name}"\n'


def test_a_plug_in_may_tell_of_its_training_in_its_own_words(
    tmp_path: Path, small_run: Path
) -> None:
    config = small_config(
        'arms.dense.channels=["lexical", "telling"]',
        "truth.seeds=0",
        more=with_plug_in("Telling"),
        folder=tmp_path,
    )
    folder = run(config, tmp_path / "run", like=small_run)
    (row,) = rows(folder, "channel")
    assert row["report"] == {"trees": 12, "depth": [3, 4], "loss": None, "training": "quick"}
    html = (folder / "report.html").read_text()
    (part,) = re.findall(r'<section id="models".*?</section>', html, re.DOTALL)
    assert "Trees" in part
    assert "3 \u00b7 4" in part
    json.dumps(row, allow_nan=False)


def test_a_plug_in_that_tells_what_json_cannot_hold_is_named(tmp_path: Path) -> None:
    config = small_config(
        'arms.dense.channels=["lexical", "tellingtoomuch"]',
        more=with_plug_in("TellingTooMuch"),
        folder=tmp_path,
    )
    wanted = r"channels.tellingtoomuch: report\(\) raised TypeError.*must return figures"
    with pytest.raises(ContractError, match=wanted):
        run(config, tmp_path / "run")


def test_loggers_hear_of_channels_and_rankers_and_change_no_key_and_no_bit(
    tmp_path: Path, small_run: Path
) -> None:
    """What was trained is trained again, and heard; all other stages are found as they were."""
    folder = begun(tmp_path / "run", small_run)
    names = ("channel-dense", "channel-dense-early", "ranker")
    for name in names:
        shutil.rmtree(stage(folder, name) if name != "channel-dense" else served(folder))
    others = {path.name for path in (folder / "stages").iterdir()}
    config = small_config(f'execution.loggers=["{OWN}"]')
    run_experiment(config, folder, progress=NoProgress(), command="a test")
    made = {one["name"] for one in read(folder, "manifest")["stages"] if not one["cached"]}
    assert made & {*names, "history", "experiment"} == set(names)
    assert others < {path.name for path in (folder / "stages").iterdir()}
    for name in names:
        mine, theirs = (
            served(each) if name == "channel-dense" else stage(each, name)
            for each in (folder, small_run)
        )
        assert mine.name == theirs.name
        assert (mine / MODEL).read_bytes() == (theirs / MODEL).read_bytes()
        part = "network" if name == "ranker" else "towers"
        (kept,) = (mine / EVENTS).glob(f"{part}/*/*.jsonl")
        assert kept.name == f"{name}.{part}.jsonl"
        assert "train/loss" in kept.read_text()
        assert not (theirs / EVENTS).exists()


def served(folder: Path) -> Path:
    """The stage of the dense channel as it serves."""
    (found,) = (
        path for path in (folder / "stages").glob("channel-dense-*") if "early" not in path.name
    )
    return found


def test_a_logger_that_cannot_be_is_refused_before_the_run(tmp_path: Path) -> None:
    config = small_config('execution.loggers=["wandbb"]')
    with pytest.raises(ContractError, match=r"^execution\.loggers == 'wandbb', must be one of"):
        run_experiment(config, tmp_path / "run", progress=NoProgress(), command="a test")
    assert not list((tmp_path / "run" / "stages").glob("*-*"))
