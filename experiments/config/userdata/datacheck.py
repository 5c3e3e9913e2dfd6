"""Looks at a user's data files before a run does."""

import json
import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from experiments.config.messages import explain
from experiments.config.overrides import set_value
from experiments.config.tomlfiles import find_config, laid_over, read_toml, resolve_paths
from simulator.errors import ConfigError
from simulator.files.demand import read_demand
from simulator.files.items import Items, read_items
from simulator.files.judgments import read_judgments
from simulator.files.mapping.columns import merged
from simulator.files.mapping.proposing import propose_catalog
from simulator.files.settings import (
    CatalogFileSpec,
    DemandFileSpec,
    FileCatalog,
    JudgmentFileSpec,
)
from simulator.files.tables.datapath import data_path
from simulator.protocols import DAY
from simulator.spec import Spec

SKIP = "catalog.file.bad_rows=skip"
"""The override that `--skip-bad-rows` stands for."""


class DataSettings(Spec):
    """The sections of a config that are about a user's files."""

    catalog: FileCatalog | None = None
    judgments: JudgmentFileSpec | None = None
    demand: DemandFileSpec | None = None


@dataclass(frozen=True)
class Checked:
    """What was found in usable files.

    Attributes:
        rows: of each file, its path and what was counted in it.
        told: how a file without settings was read, in sentences.
    """

    rows: list[dict[str, Any]]
    told: tuple[str, ...] = ()


def check_data(name: str, overrides: Sequence[str] = ()) -> Checked:
    """Check the files that a config names, or one catalogue file by itself.

    Args:
        name: a config (a `.toml` file or the name of a shipped one), of which only the sections
            of data count, or a catalogue file, whose columns are then told by layout and names.
        overrides: `path.to.key=value` each, of `[catalog.file]`, `[judgments]` or
            `[demand]`.

    Raises:
        DataError: a file cannot be used; with everything that is wrong with it.
        ConfigError: the settings of the files cannot be used.
    """
    told: tuple[str, ...] = ()
    if name.endswith(".toml") or not Path(name).suffix:
        path = find_config(name)
        raw = read_toml(path)
        own = {key: raw[key] for key in DataSettings.model_fields if key in raw}
        if not isinstance(own.get("catalog"), dict) or "file" not in own["catalog"]:
            own.pop("catalog", None)
        horizon = _horizon(raw)
    else:
        path, horizon = Path(name), None
        own = decided(overrides, name)
        proposal = propose_catalog(data_path(name), own.get("catalog", {}).get("file", {}))
        told = proposal.told
        own["catalog"] = {"file": {**proposal.settings, "path": os.path.abspath(data_path(name))}}
    settings = validated(own, path, overrides)
    rows = []
    if settings.catalog is not None:
        items = read_items(settings.catalog.file, horizon)
        rows.append(_catalog_row(settings.catalog.file, items))
        if settings.judgments is not None:
            rows.append(_judgments_row(settings.judgments, items))
    if settings.demand is not None:
        rows.append(_demand_row(settings.demand))
    return Checked(rows, told)


def given(overrides: Sequence[str]) -> dict[str, Any]:
    """The settings that some overrides make by themselves."""
    raw: dict[str, Any] = {}
    for each in (each for one in overrides for each in laid_over(one)):
        set_value(DataSettings, raw, each)
    return raw


def decided(overrides: Sequence[str], file: str, judgments: str = "") -> dict[str, Any]:
    """What a user has decided of files whose layout is to be told.

    Args:
        overrides: `path.to.key=value` each, or TOML files of such.
        file, judgments: paths of the catalogue, and of grades if there are any.

    Raises:
        ConfigError: it cannot be.
    """
    raw = given(overrides)
    whole = merged({"catalog": {"file": {"path": file}}}, raw)
    if "judgments" in raw:
        whole = merged({"judgments": {"path": judgments or "grades"}}, whole)
    validated(deepcopy(whole), Path("--set"), overrides)
    return raw


def validated(raw: dict[str, Any], path: Path, overrides: Sequence[str] = ()) -> DataSettings:
    """Settings of data, checked; relative paths are taken from the folder of `path`.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    laid = [each for one in overrides for each in laid_over(one)]
    overridden = {set_value(DataSettings, raw, each): each for each in laid}
    resolve_paths(raw, path, overridden)

    def origin(place: str) -> str:
        return f"--set {overridden[place]}" if place in overridden else str(path)

    try:
        return DataSettings.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(explain(error, DataSettings, raw, origin=origin)) from error


def _horizon(raw: Mapping[str, Any]) -> float | None:
    """End of the simulated time of a config; None where it does not say so rightly."""
    from simulator.living.settings import WorldSpec

    try:
        world = WorldSpec.model_validate(raw.get("world", {}))
    except ValidationError:
        return None  # what is wrong with the world is told when it is to be run
    return (world.history_days + world.days) * DAY


def _catalog_row(spec: CatalogFileSpec, items: Items) -> dict[str, Any]:
    price_I = items.price_I[~np.isnan(items.price_I)]
    counts = {
        "file": spec.path,
        "items": len(items),
        "brands": len({name for name in items.brand_I if name}),
        "categories": len({name for name in items.category_I if name}),
        "without_brand": int(np.sum(items.brand_I == "")),
        "without_category": int(np.sum(items.category_I == "")),
    }
    if len(price_I):
        counts["median_price"] = round(float(np.median(price_I)), 2)
        counts["highest_price"] = round(float(np.max(price_I)), 2)
    if items.published is not None:
        counts["attributes"] = len(items.published.attributes)
        counts["attribute_values"] = int(np.sum(items.published.values_IV >= 0))
    more = {
        "without_price": len(items) - len(price_I),
        "rows_inside_other_items": items.inside,
        "rows_skipped": items.skipped,
    }
    return counts | {name: count for name, count in more.items() if count}


def _judgments_row(spec: JudgmentFileSpec, items: Items) -> dict[str, Any]:
    judgments = read_judgments(spec, items.key_I)
    return {
        "file": spec.path,
        "queries": len(judgments.queries),
        "grades": len(judgments.grade_J),
        "relevant": int(np.sum(judgments.grade_J > 0)),
    }


def _demand_row(spec: DemandFileSpec) -> dict[str, Any]:
    asked = read_demand(spec)
    total = round(float(asked.count_A.sum()))
    return {"file": spec.path, "queries": len(asked.texts), "asked": total}
