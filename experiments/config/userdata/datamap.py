"""Writes a config for a file of products: which column holds what, and a first experiment."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from experiments.config.userdata.datacheck import decided
from simulator.errors import ConfigError
from simulator.files.mapping.judged import propose_judgments
from simulator.files.mapping.proposing import propose_catalog
from simulator.files.tables.datapath import data_path

_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 40
# The experiment that is written beside the data: what a dense channel adds to two others.
_EXPERIMENT: dict[str, Any] = {
    "channels": {
        "lexical": {"type": "lexical"},
        "popular": {"type": "popular"},
        "dense": {"type": "dense"},
    },
    "arms": [
        {"name": "control", "share": 0.5, "channels": ["lexical", "popular"]},
        {"name": "treatment", "share": 0.5, "channels": ["lexical", "popular", "dense"]},
    ],
}


@dataclass(frozen=True)
class Mapped:
    """A config for some files.

    Attributes:
        toml: its text.
        told: what was decided and why, in sentences.
    """

    toml: str
    told: tuple[str, ...]


def map_data(
    file: str,
    folder: Path,
    *,
    judgments: str | None = None,
    queries: str | None = None,
    overrides: Sequence[str] = (),
) -> Mapped:
    """A config that reads a file of products, and human grades where there are any.

    Args:
        file: path of the products; may begin with `$FUNNELAB_DATA`.
        folder: where the config will be; its paths lead from there.
        judgments, queries: path of a file of grades, and of one with the texts of its queries.
        overrides: settings of the data that are decided, `path.to.key=value` each.

    Raises:
        DataError: a file cannot be read, or what it holds cannot be told.
        ConfigError: an override is no setting of the data.
    """
    if queries is not None and judgments is None:
        raise ConfigError(f"--queries {queries} == without --judgments, must be with one")
    own = decided(overrides, file, judgments or "")
    catalog = propose_catalog(data_path(file), own.get("catalog", {}).get("file", {}))
    settings: dict[str, Any] = {
        "name": _name(file),
        "seed": 1,
        "catalog": {"file": {"path": _from(folder, file), **catalog.settings}},
    }
    told = [f"{Path(file).name}: {sentence}" for sentence in catalog.told]
    if judgments is not None:
        apart = data_path(queries) if queries is not None else None
        found = propose_judgments(
            *(data_path(judgments), apart, settings["catalog"]["file"].get("only", {})),
            own.get("judgments", {}),
        )
        graded = {**found.settings, "path": _from(folder, judgments)}
        if "queries" in graded:
            beside = queries if queries is not None else graded["queries"]["path"]
            graded["queries"] = {**graded["queries"], "path": _from(folder, beside)}
        settings["judgments"] = graded
        told += [f"{Path(judgments).name}: {sentence}" for sentence in found.told]
    for section in ("judgments", "demand"):
        if section in own and section not in settings:
            settings[section] = {**own[section], "path": _from(folder, str(own[section]["path"]))}
    text = "".join(f"# {sentence}\n" for sentence in told)
    head = "# Written by `funnelab data map`; change whatever is not as you want it.\n"
    return Mapped(head + text + "\n" + tomli_w.dumps(settings | _EXPERIMENT), tuple(told))


def _name(file: str) -> str:
    stem = _OTHER.sub("-", Path(file).name.split(".")[0]).strip("-_")
    return stem[:_LONGEST_NAME] or "shop"


def _from(folder: Path, file: str) -> str:
    """A path as a config in a folder says it."""
    if file.startswith("$") or os.path.isabs(file):
        return file
    return os.path.relpath(file, folder)
