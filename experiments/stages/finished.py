"""The stages that a finished run's results were made with."""

from collections.abc import Sequence
from pathlib import Path

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.records.files import CONFIG, MANIFEST
from experiments.records.manifest import BenchManifest, RunManifest
from experiments.records.reading import read_record
from experiments.stages.folder import RunFolder, check_version
from simulator.errors import StoreError


def finished_config(folder: Path, overrides: Sequence[str] = ()) -> Config:
    """The settings of a finished run.

    Args:
        folder: of the run.
        overrides: `path.to.key=value` each.

    Raises:
        StoreError: no finished run, or one of another version.
        ConfigError: an override that cannot be.
    """
    if not (folder / MANIFEST).is_file() or not (folder / CONFIG).is_file():
        raise StoreError(f"{folder} == no finished run, must be the folder of one")
    check_version(folder)
    return load_config(str(folder / CONFIG), overrides)


def finished_stage(
    folder: Path,
    name: str,
    kind: type[BenchManifest] = RunManifest,
    *,
    wanted: str = "the folder of a finished run",
) -> Path:
    """The folder of one of its stages.

    Args:
        folder: of the run.
        name: of the stage.
        kind: which manifest the run has.
        wanted: what a folder with that stage is, for errors.

    Raises:
        StoreError: it has no manifest or no such stage, the store is of another version, or the
            stage is not as it was written.
        DataError: it has another manifest.
    """
    check_version(folder)
    keys = [stage.key for stage in read_record(kind, folder).stages if stage.name == name]
    if not keys:
        raise StoreError(f"{folder}: {name} == no stage, must be {wanted}")
    stage = RunFolder(folder).stage(name, keys[0])
    damage = stage.damage()
    if damage is not None:
        raise StoreError(
            f"{stage.path}: {damage}, must be as it was written: "
            "run the command that made it again, and it is mended"
        )
    return stage.path
