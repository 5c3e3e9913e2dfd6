"""Small runs of everything, from settings to the report, in a few seconds each."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress

SMALL = Path(__file__).with_name("small.toml")
KEY = "[0-9a-f]" * 20  # of a stage, behind its name
PLAIN = ("truth.headroom=0", "truth.retrained=[]")


def small_config(*overrides: str, more: str = "", folder: Path | None = None) -> Config:
    """The small settings with overrides; `more` is TOML added to the file, kept in `folder`.

    Without what only tests of the truth look at: headroom and another training of the ranker.
    """
    overrides = (*PLAIN, *overrides)
    if not more:
        return load_config(SMALL, overrides)
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "more.toml"
    path.write_text(SMALL.read_text() + more)
    return load_config(path, overrides)


def run(config: Config, folder: Path, *, like: Path | None = None, **options: Any) -> Path:
    """Run in this process; returns the run folder.

    Args:
        like: a finished run; what the new one has in common with it is not made again. Not where a
            test is about making that.
    """
    if like is not None:
        begun(folder, like)
    run_experiment(config, folder, progress=NoProgress(), command="a test", **options)
    if like is not None:
        own = {f"{one['name']}-{one['key']}" for one in read(folder, "manifest")["stages"]}
        for theirs in (like / "stages").glob("*-*"):
            if theirs.name not in own:
                shutil.rmtree(folder / "stages" / theirs.name, ignore_errors=True)
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """A run that one of the processes of tests makes, and of which each has a copy.

    Args:
        factory: of folders of this process.
        name: of the run among all that are made so.
        make: makes it in a folder, and returns the run folder.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make(factory.mktemp(name))
    common = factory.getbasetemp().parent / name  # of all processes
    with common.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        made = common / "made"
        if not made.exists():
            common.mkdir(exist_ok=True)
            made.write_text(str(make(common)))
    return shutil.copytree(made.read_text(), factory.mktemp(name) / "run", symlinks=True)


def begun(folder: Path, like: Path) -> Path:
    """A folder with nothing but the stages of a finished run, for a run that may find some."""
    shutil.copytree(like / "stages", folder / "stages", symlinks=True)
    return folder


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def any_touch(folder: Path, channel: str) -> dict[tuple[str, str], float]:
    """By event and arm, the share of a run's events whose item a channel found."""
    return {
        (row["event"], row["arm"]): row["share"]["estimate"]
        for row in read(folder, "attribution")["credits"]
        if (row["rule"], row["cut"], row["channel"]) == ("any_touch", "all", channel)
    }


def stage(folder: Path, name: str) -> Path:
    """The only folder of a stage."""
    (found,) = (folder / "stages").glob(f"{name}-{KEY}")
    return found


def log_digests(folder: Path) -> dict[str, str]:
    """The digest of every world's log, by stage and key."""
    logs = sorted((folder / "stages").glob("*/log/manifest.json"))
    return {log.parent.parent.name: json.loads(log.read_text())["digest"] for log in logs}


def table(log: Path, name: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(shard) for shard in sorted((log / name).glob("*.parquet"))])


def content(folder: Path) -> dict[str, str]:
    """What every file and link below a folder holds, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def with_log_of(run: Path, folder: Path, *, without: str) -> Path:
    """A copy of a finished run whose log has no such column in exposures."""
    shutil.copytree(run, folder, symlinks=True)
    for shard in ((folder / "log").resolve() / "exposures").glob("*.parquet"):
        pq.write_table(pq.read_table(shard).drop_columns([without]), shard)
    return folder
