"""A whole bench of identifier schemes through the command, small enough for a few seconds."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cqsid.tokenizer.schemes.registry import SCHEMES
from experiments.cli import run_command
from tests.experiments.cqsid_runs import cqsid_toml
from tests.experiments.small_runs import SMALL, content, read

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


def words(place: Path, out: Path, *overrides: str) -> list[str]:
    options = [word for each in overrides for word in ("--set", each)]
    return ["ids", "bench", str(place), "--out", str(out), *options]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cqsid_toml(tmp_path_factory.mktemp("bench"), BENCH)


@pytest.fixture(scope="module")
def bench(settings: Path) -> Path:
    """A finished bench; tests only read it."""
    folder = settings.with_name("run")
    assert run_command(words(settings, folder)) == 0
    return folder


@pytest.fixture
def copy(bench: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bench, tmp_path / "run", symlinks=True)


def made(folder: Path) -> set[str]:
    return {one["name"] for one in read(folder, "manifest")["stages"] if not one["cached"]}


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(folder, "ids")
    return found


def untimed(told: Any) -> Any:
    """What is told but for how long it took."""
    if isinstance(told, dict):
        return {key: untimed(each) for key, each in told.items() if not key.endswith("_s")}
    return [untimed(each) for each in told] if isinstance(told, list) else told


def test_a_bench_compares_all_schemes_and_shows_it(
    settings: Path, bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = {f"ids-{scheme}-{seed}" for scheme in ("rqvae", "cqsid") for seed in (0, 1)}
    assert {"catalogue", "history", "ids-texts-0", "ids-texts-1"} | trials == made(bench)
    assert record(bench)["schemes"] == ["rqvae", "cqsid"]
    html = (bench / "ids.html").read_text()
    assert "rqvae" in html
    assert "cqsid" in html
    assert run_command([*words(settings, bench), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ids"] == record(bench)
    assert told["report"] == str(bench / "ids.html")
    assert run_command(words(settings, bench)) == 0
    assert "cqsid" in capsys.readouterr().out
    assert not made(bench)


def test_a_bench_goes_on_from_its_finished_trainings_to_the_same_record(
    settings: Path, bench: Path, copy: Path
) -> None:
    for name in ("ids-cqsid-1-*", "ids-rqvae-0-*"):
        (trial,) = (copy / "stages").glob(name)
        shutil.rmtree(trial)
    assert run_command(words(settings, copy)) == 0
    assert made(copy) == {"ids-cqsid-1", "ids-rqvae-0"}
    assert untimed(record(copy)) == untimed(record(bench))


def test_two_processes_give_the_same_record(settings: Path, bench: Path, copy: Path) -> None:
    for trial in (copy / "stages").glob("ids-cqsid-*"):
        shutil.rmtree(trial)
    assert run_command(words(settings, copy, "execution.processes=2")) == 0
    assert made(copy) == {"ids-cqsid-0", "ids-cqsid-1"}
    assert untimed(record(copy)) == untimed(record(bench))


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
    assert run_command([*words(settings, copy, *overrides), "--overwrite"]) == 0
    assert record(copy)["schemes"] == names
    shapes = {shape["scheme"]: shape for shape in record(copy)["quality"]}
    assert shapes["custom"]["sizes"][-1] == 7
    assert len(shapes["tiger"]["sizes"]) == 4
    assert len({json.dumps(shape["perplexity_L"]) for shape in shapes.values()}) > 8


REFUSED = [
    (["ids_bench.schemes=['rqvae', 'cqsd']"], "ids_bench.schemes == 'cqsd', must be cqsid"),
    (["ids_bench.schemes=['rqvae', 'custom']"], "ids_bench.schemes == 'custom', must be "),
    (["ids_bench.schemes=['rqvae']"], "ids_bench.schemes == "),
    (["ids_bench.baseline=cqsod"], "baseline == 'cqsod', must be one of rqvae, cqsid"),
    (["ids_bench.test_days=2"], "ids_bench.test_days == 2, must be < 2 (history)"),
    (["ids_bench.test_days=9"], "ids_bench.test_days == 9, must be < 2 (history)"),
    (["ids_bench.beams=[4, 1]"], "beams == (4, 1), must rise"),
    (["channels.cqsid.model.backbone=nowhere"], "channels.cqsid: model.backbone == 'nowhere'"),
    (["channels.cqsid.ids.codes=[3, 4, 4]"], "channels.cqsid: ids.codes[0] == 3, must be >= "),
    (["seed=6"], "finished run with other settings (seed == 5, now 6)"),
]


@pytest.mark.parametrize(("overrides", "wanted"), REFUSED)
def test_what_cannot_be_benched_is_one_message_and_nothing_is_lost(
    settings: Path,
    copy: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    wanted: str,
) -> None:
    before = content(copy)
    more = [] if overrides == ["seed=6"] else ["--overwrite"]
    assert run_command([*words(settings, copy, *overrides), *more]) == 2
    output = capsys.readouterr()
    assert wanted in output.err
    assert output.out == ""
    assert "Traceback" not in output.err
    assert before.items() <= content(copy).items()


def test_a_bench_needs_a_generative_channel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words(SMALL, tmp_path / "run")) == 2
    wanted = "channels == lexical, popular, dense, must have one of type cqsid"
    assert wanted in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
