"""The manifest of a run: what was run, from what, by which versions, in which time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cqsid.kernels.choice import processor, told
from experiments.config.schema import Config
from experiments.records.files import read_json
from experiments.records.manifest import (
    ArmEntry,
    BenchManifest,
    ChannelEntry,
    RunManifest,
    Seeds,
)
from experiments.running.population import remarks
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage, peak_memory_mb

_LIBRARIES = (
    "torch",
    "transformers",
    "numpy",
    "numba",
    "lightgbm",
    "scipy",
    "pandas",
    "simpy",
    "duckdb",
    "tea-tasting",
    "bm25s",
)


def manifest(
    config: Config, command: str, catalogue: Stage, experiment: Path, maker: Maker, bought: int = 0
) -> RunManifest:
    """How a run with an experiment was made.

    Args:
        command: what the user typed.
        catalogue: the finished catalogue stage, for its sizes.
        experiment: the log folder of the experiment, for its digest.
        maker: of the stages of the run.
        bought: annotated pairs.
    """
    return RunManifest(
        **vars(bench_manifest(config, command, catalogue, maker)),
        arms=tuple(
            ArmEntry(arm.name, arm.share, arm.channels, ranker.object or ranker.type)
            for arm in config.arms
            for ranker in (arm.ranker or config.ranker,)
        ),
        channels=tuple(
            ChannelEntry(name, spec.type, spec.limit) for name, spec in config.channels.items()
        ),
        days=config.world.days,
        seeds=Seeds(run=config.seed, truth=config.truth.seeds),
        log_digest=read_json(experiment / "manifest.json")["digest"],
        annotations=bought,
    )


def bench_manifest(config: Config, command: str, catalogue: Stage, maker: Maker) -> BenchManifest:
    """How a run without an experiment was made; see `manifest`."""
    sizes, records = catalogue.record().rows, maker.records
    return BenchManifest(
        name=config.name,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        funnelab=version("funnelab"),
        command=command,
        stages=tuple(records),
        versions={"python": platform.python_version()}
        | {name: version(name) for name in _LIBRARIES},
        processor=processor(),
        kernels=told(),
        peak_memory_mb=max(peak_memory_mb(), *(one.peak_memory_mb for one in records)),
        items=sizes["items"],
        shoppers=sizes["shoppers"],
        history_days=config.world.history_days,
        data=remarks(config, sizes),
        failed=maker.failed,
    )
