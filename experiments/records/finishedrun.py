"""A finished run as the report sees it: its JSON files, read once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from experiments.records.attribution import FILE, AttributionRecord, read_record
from experiments.records.run import Metrics, Row, Truths
from simulator.errors import DataError, StoreError

AnyRow = TypeVar("AnyRow", bound=Row)


class Stage(Row):
    """One stage of the run."""

    name: str
    key: str = ""
    seconds: float | None = None
    cached: bool = False
    rows: Mapping[str, int] | None = None


class ArmEntry(Row):
    """An arm: its share of the shoppers and its channels."""

    name: str
    share: float | None = None
    channels: tuple[str, ...] = ()


class ChannelEntry(Row):
    """A channel: its type and how many candidates it may return."""

    name: str
    type: str = ""
    limit: int | None = None


class Manifest(Row):
    """manifest.json."""

    name: str = ""
    seed: int | None = None
    created: str = ""
    funnelab: str = ""
    command: str = ""
    stages: tuple[Stage, ...] = ()
    versions: Mapping[str, str] = Field(default_factory=dict)
    peak_memory_mb: float | None = None
    arms: tuple[ArmEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()
    items: int | None = None
    shoppers: int | None = None
    history_days: int | None = None
    days: int | None = None
    log_digest: str = ""


@dataclass(frozen=True)
class Run:
    """Everything that a report may show.

    Attributes:
        metrics: what the analysis found.
        truths: effects in paired worlds; None where the truth stage has not run.
        manifest: how the run was made; None where it is missing.
        config: the resolved configuration as text; None where it is missing.
        attribution: what channels are credited with and contribute; None where it was not asked.
    """

    metrics: Metrics
    truths: Truths | None = None
    manifest: Manifest | None = None
    config: str | None = None
    attribution: AttributionRecord | None = None

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, the control of the first contrast first."""
        listed = [arm.name for arm in self.manifest.arms] if self.manifest else []
        contrasted = [name for contrast in self.metrics.contrasts for name in contrast]
        counted = [row.arm for row in self.metrics.funnel]
        first = contrasted[:1]
        return tuple(dict.fromkeys(first + listed + contrasted + counted))

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the provenance bits."""
        listed = [channel.name for channel in self.manifest.channels] if self.manifest else []
        in_arms = (
            [name for arm in self.manifest.arms for name in arm.channels] if (self.manifest) else []
        )
        shared = [row.channel for row in self.metrics.shares]
        return tuple(dict.fromkeys(listed + in_arms + shared))


def read_json(path: Path, model: type[AnyRow]) -> AnyRow:
    """A JSON file as a row.

    Raises:
        DataError: the file is not JSON or a value has the wrong type; names file and place.
    """
    try:
        return model.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} == unreadable ({error}), must be JSON in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"{path}: {place} == {first['input']!r}, must be right: {first['msg']}"
        ) from error


def read_run(folder: Path) -> Run:
    """The run in a folder. Only metrics.json is needed.

    Raises:
        StoreError: the folder has no metrics.json.
        DataError: one of the JSON files cannot be read.
    """
    metrics = folder / "metrics.json"
    if not metrics.is_file():
        raise StoreError(
            f"{metrics} == missing, must be a file (the analysis of a finished run writes it)"
        )
    truth, manifest, config, attribution = (
        folder / name for name in ("truth.json", "manifest.json", "config.toml", FILE)
    )
    return Run(
        metrics=read_json(metrics, Metrics),
        truths=read_json(truth, Truths) if truth.is_file() else None,
        manifest=read_json(manifest, Manifest) if manifest.is_file() else None,
        config=config.read_text(encoding="utf-8", errors="replace") if config.is_file() else None,
        attribution=read_record(attribution) if attribution.is_file() else None,
    )
