"""Cells side by side give the bytes of one process, whoever runs them and whoever dies."""

import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import run_command
from experiments.stages.folder import RunFolder
from tests.experiments.small_runs import read

pytestmark = pytest.mark.long

COMMAND = Path(sys.executable).with_name("funnelab")
FOUR = ("channels.own.limit=10,15", "analysis.confidence=0.8,0.95")
SIXTEEN = ("channels.own.limit=5,10,15,20", "analysis.confidence=0.8,0.9,0.95,0.99")
TINY = """
name = "tiny"
seed = 5
device = "cpu"

[catalog]
items = 60

[queries]
intents = 40

[shoppers]
count = 60
visits_per_week = 7

[world]
history_days = 1
days = 1

[channels.lexical]
type = "lexical"

[channels.own]
type = "custom"
object = "deadly:Deadly"

[ranker]
type = "merge_order"

[[arms]]
name = "control"
share = 0.5
channels = ["lexical"]

[[arms]]
name = "treatment"
share = 0.5
channels = ["lexical", "own"]

[analysis]
cuped = false

[attribution]
rules = ["any_touch"]

[truth]
headroom = 0

[execution]
processes = 1
"""
OWN = """
import os, signal
from pathlib import Path

import numpy as np

from recall.candidates import Candidates


class Deadly:
    '''The same items for everybody; it kills its process once, in the middle of a world.'''

    name = "own"

    def fit(self, catalog, history, *, rng):
        pass

    def recall(self, requests, limit):
        armed = Path("armed")
        if limit == 15 and armed.exists():
            armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        items_BN = np.tile(np.arange(limit, dtype=np.int32), (len(requests.id_B), 1))
        return Candidates(items_BN, np.ones(items_BN.shape, np.float32))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings of a tiny comparison, and with code of the user's own."""
    home = tmp_path_factory.mktemp("home")
    (home / "deadly.py").write_text(OWN)
    (home / "tiny.toml").write_text(TINY)
    return home


def words(out: Path, over: tuple[str, ...], *more: str) -> list[str]:
    lists = [word for each in over for word in ("--over", each)]
    return ["sweep", "tiny.toml", *lists, "--out", str(out), *more]


def begin(
    home: Path, out: Path, *more: str, over: tuple[str, ...] = FOUR
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(COMMAND), *words(out, over, *more)],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def swept(home: Path, out: Path, *more: str) -> str:
    """What a finished sweep told on its way."""
    program = begin(home, out, *more)
    _, error = program.communicate()
    assert program.returncode == 0, error
    return error


def digest(out: Path) -> dict[str, Any]:
    """All that a sweep makes, but for how long it took and where it lies."""
    found = {path.parent.name: json.loads(path.read_text())["files"] for path in stages(out)}
    record = read(out, "sweep")
    for cell in record["cells"]:
        del cell["seconds"]
        run = out / cell["folder"]
        for name in ("config.toml", "metrics.json", "truth.json", "attribution.json"):
            found[f"{cell['name']}/{name}"] = sha256((run / name).read_bytes()).hexdigest()
    del record["command"]
    return {**found, "sweep": record}


def stages(out: Path) -> list[Path]:
    return sorted((out / "stages").glob("*/stage.json"))


def left_in(session: int) -> list[str]:
    """The processes of a session that still live."""
    told = subprocess.run(
        ["ps", "-s", str(session), "-o", "stat=,args="], capture_output=True, text=True
    ).stdout
    return [line for line in told.splitlines() if not line.startswith("Z")]


def swept_here(home: Path, out: Path, over: tuple[str, ...]) -> Path:
    """A sweep in this process alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.syspath_prepend(home)
        assert run_command(words(out, over)) == 0
    assert {cell["status"] for cell in read(out, "sweep")["cells"]} == {"done"}
    return out


@pytest.fixture(scope="module")
def alone(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep of four cells in one process."""
    return swept_here(home, tmp_path_factory.mktemp("alone") / "out", FOUR)


@pytest.mark.slow  # `make test-cluster` runs the same of two workers of a cluster, in CI
def test_two_processes_make_every_stage_once_and_the_bytes_of_one_though_a_worker_is_killed(
    home: Path, alone: Path, tmp_path: Path
) -> None:
    (home / "armed").touch()
    told = swept(home, tmp_path / "out", "--jobs", "2")
    assert not (home / "armed").exists()
    assert told.count("its worker was killed, begun again") == 1
    assert digest(tmp_path / "out") == digest(alone)
    made = [line for line in told.splitlines() if "catalogue: 60 items" in line]
    assert len(made) == 1


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_leaves_nothing_behind_and_goes_on_to_the_same_bytes(
    home: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = begin(home, out, "--jobs", "2")
    while not (out / "sweep.json").exists():  # a cell is done, others are under way
        assert program.poll() is None, program.communicate()
        time.sleep(0.01)
    os.killpg(program.pid, signal.SIGINT)
    _, error = program.communicate()
    assert program.returncode == 130, error
    assert "the same command continues" in error
    assert "Traceback" not in error
    assert left_in(program.pid) == []
    assert not [*(out / "stages").glob("*.partial"), *(out / "stages").glob("*.claim")]
    with RunFolder(out):  # nobody holds it
        pass
    states = [cell["status"] for cell in read(out, "sweep")["cells"]]
    assert {*states} == {"done", "waiting"}
    kept = stages(out)
    assert "continues it" in page_again(out)
    swept_here(home, out, FOUR)
    assert {*kept} <= {*stages(out)}
    assert digest(out) == digest(alone)


def page_again(out: Path) -> str:
    (out / "sweep.html").unlink(missing_ok=True)
    assert run_command(["report", str(out)]) == 0
    return (out / "sweep.html").read_text()


@pytest.mark.slow  # `make test-cluster` runs it, in CI
def test_two_workers_of_a_ray_cluster_give_the_bytes_of_one_process_though_one_is_killed(
    home: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    alone = swept_here(home, tmp_path / "alone", SIXTEEN)
    out, ray = tmp_path / "out", ("--address", "local", "--jobs", "2")
    (home / "armed").touch()
    program = begin(home, out, *ray, over=SIXTEEN)
    _, error = program.communicate()
    assert program.returncode == 0, error
    assert error.count("its worker was killed, begun again") == 1
    assert left_in(program.pid) == []
    found = digest(out)
    assert len(found["sweep"]["cells"]) == 16
    assert found == digest(alone)
