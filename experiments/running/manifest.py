"""The manifest of a run: what was run, from what, by which versions, in which time."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.config.schema import Config
from experiments.stages.files import read_json
from experiments.stages.folder import Stage, StageRecord, peak_memory_mb

SCHEMA = 1
_LIBRARIES = (
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "pandas",
    "simpy",
    "duckdb",
    "tea-tasting",
    "bm25s",
)


def manifest(
    config: Config, command: str, catalogue: Stage, experiment: Path, records: Sequence[StageRecord]
) -> dict[str, Any]:
    """The content of manifest.json.

    Args:
        command: what the user typed.
        catalogue: the finished catalogue stage, for its sizes.
        experiment: the log folder of the experiment, for its digest.
        records: the stages of the run.
    """
    return bench_manifest(config, command, catalogue, records) | {
        "arms": [
            {"name": arm.name, "share": arm.share, "channels": list(arm.channels)}
            for arm in config.arms
        ],
        "channels": [
            {"name": name, "type": spec.type, "limit": spec.limit}
            for name, spec in config.channels.items()
        ],
        "days": config.world.days,
        "seeds": {"run": config.seed, "truth": config.truth.seeds},
        "log_digest": read_json(experiment / "manifest.json")["digest"],
    }


def bench_manifest(
    config: Config, command: str, catalogue: Stage, records: Sequence[StageRecord]
) -> dict[str, Any]:
    """What the manifest of any run tells, one without an experiment too; see `manifest`."""
    sizes = catalogue.record().rows
    return {
        "schema": SCHEMA,
        "name": config.name,
        "seed": config.seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "funnelab": version("funnelab"),
        "command": command,
        "stages": [asdict(record) for record in records],
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _LIBRARIES},
        "peak_memory_mb": max(peak_memory_mb(), *(one.peak_memory_mb for one in records)),
        "items": sizes["items"],
        "shoppers": sizes["shoppers"],
        "history_days": config.world.history_days,
    }
