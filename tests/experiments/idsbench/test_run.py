"""A whole bench of identifier schemes through the command, small enough for a few seconds."""

import json
import shutil
from pathlib import Path

import pytest

from cqsid.tokenizer.schemes.registry import SCHEMES
from experiments.cli import run_command
from tests.experiments.benchsuite import Bench, BenchSuite, made
from tests.experiments.cqsid_runs import cqsid_toml
from tests.experiments.small_runs import SMALL

BENCH = """
[ids_bench]
schemes = ["rqvae", "cqsid"]
seeds = 2
test_days = 1
test_requests = 60
beams = [1, 4]
recall_sizes = [5, 20]
serving_beam = 4
item_limit = 30
"""


IDS = Bench(
    command=("ids", "bench"),
    name="ids",
    shown="cqsid",
    timed="_s",
    some=("ids-cqsid-1-*", "ids-rqvae-0-*"),
    many=("ids-cqsid-*",),
    refused=(
        ("ids_bench.schemes=['rqvae', 'cqsd']", "ids_bench.schemes == 'cqsd', must be cqsid"),
        ("ids_bench.schemes=['rqvae', 'custom']", "ids_bench.schemes == 'custom', must be "),
        ("ids_bench.schemes=['rqvae']", "ids_bench.schemes == "),
        ("ids_bench.baseline=cqsod", "baseline == 'cqsod', must be one of rqvae, cqsid"),
        ("ids_bench.test_days=2", "ids_bench.test_days == 2, must be < 2 (history)"),
        ("ids_bench.test_days=9", "ids_bench.test_days == 9, must be < 2 (history)"),
        ("ids_bench.beams=[4, 1]", "beams == (4, 1), must rise"),
        ("channels.cqsid.model.backbone=nowhere", "channels.cqsid: model.backbone == 'nowhere'"),
        ("channels.cqsid.ids.codes=[3, 4, 4]", "channels.cqsid: ids.codes[0] == 3, must be >= "),
    ),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cqsid_toml(tmp_path_factory.mktemp("bench"), BENCH)


@pytest.fixture(scope="module")
def finished(settings: Path) -> Path:
    """A finished bench; tests only read it."""
    folder = settings.with_name("run")
    assert run_command(IDS.words(settings, folder)) == 0
    trials = {f"ids-{scheme}-{seed}" for scheme in ("rqvae", "cqsid") for seed in (0, 1)}
    assert {"catalogue", "history", "ids-texts-0", "ids-texts-1"} | trials == made(folder)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run", symlinks=True)


class TestBench(BenchSuite):
    bench = IDS


def test_a_bench_compares_all_schemes(finished: Path) -> None:
    assert IDS.record(finished)["schemes"] == ["rqvae", "cqsid"]
    html = (finished / "ids.html").read_text()
    assert "rqvae" in html
    assert "cqsid" in html


def test_every_scheme_and_the_users_own_can_be_benched(settings: Path, copy: Path) -> None:
    names = ["rqvae", *(name for name in SCHEMES if name != "rqvae"), "custom"]
    overrides = (
        f"ids_bench.schemes={json.dumps(names)}",
        "ids_bench.seeds=1",
        "ids_bench.personalised=false",
        "channels.cqsid.ids.scheme=custom",
        "channels.cqsid.ids.object=tests.experiments.schemes:ByNumber",
        "channels.cqsid.ids.options.base=7",
    )
    assert run_command([*IDS.words(settings, copy, *overrides), "--overwrite"]) == 0
    assert IDS.record(copy)["schemes"] == names
    shapes = {shape["scheme"]: shape for shape in IDS.record(copy)["quality"]}
    assert shapes["custom"]["sizes"][-1] == 7
    assert len(shapes["tiger"]["sizes"]) == 4
    assert len({json.dumps(shape["perplexity_L"]) for shape in shapes.values()}) > 8


def test_a_bench_needs_a_generative_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(IDS.words(SMALL, tmp_path / "run")) == 2
    wanted = "channels == lexical, popular, dense, must have one of type cqsid"
    assert wanted in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_scheme_that_fails_takes_no_other_with_it(
    settings: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = (
        "ids_bench.schemes=['rqvae', 'custom', 'cqsid']",
        "channels.cqsid.ids.scheme=custom",
        "channels.cqsid.ids.object=tests.experiments.schemes:GivesWrongCodes",
    )
    assert run_command([*IDS.words(settings, copy, *overrides), "--overwrite"]) == 3
    assert "Failed: Scheme custom failed and was left out: " in capsys.readouterr().err
    assert IDS.record(copy)["schemes"] == ["rqvae", "cqsid"]
    assert "Scheme custom failed" in (copy / "ids.html").read_text()
    baseline = [*overrides, "ids_bench.baseline=custom"]
    assert run_command([*IDS.words(settings, copy, *baseline), "--overwrite"]) == 3
    assert "Error: " in capsys.readouterr().err
