"""Small runs of everything, from settings to the report, in a few seconds each."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress

SMALL = Path(__file__).with_name("small.toml")
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


def run(config: Config, folder: Path, **options: Any) -> Path:
    """Run in this process; returns the run folder."""
    run_experiment(config, folder, progress=NoProgress(), command="a test", **options)
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
    (found,) = (folder / "stages").glob(f"{name}-*")
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
