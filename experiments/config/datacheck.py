"""Looks at a user's data files before a run does."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.loading import load_config
from experiments.config.schema import FileCatalog
from simulator.catalogue.catalog import Catalog
from simulator.files.importer import read_supply
from simulator.files.judgments import read_judgments
from simulator.files.settings import CatalogFileSpec, JudgmentFileSpec
from simulator.randomness import Draws


def check_data(name: str) -> list[dict[str, Any]]:
    """Check the files that a config names, or one catalogue file by itself.

    Args:
        name: a config (a `.toml` file or the name of a shipped one) or a catalogue file, whose
            columns must then have funnelab's own names.

    Returns:
        One row for each usable file: its path, and what was counted in it.

    Raises:
        DataError: a file cannot be used; with everything that is wrong with it.
        ConfigError: the config cannot be used.
    """
    if not name.endswith(".toml") and Path(name).suffix:
        return [_catalog_row(*_catalog(CatalogFileSpec(path=name)))]
    config = load_config(name)
    if not isinstance(config.catalog, FileCatalog):
        return []
    path, catalog = _catalog(config.catalog.file)
    rows = [_catalog_row(path, catalog)]
    if config.judgments is not None:
        rows.append(_judgments_row(config.judgments, catalog))
    return rows


def _catalog(spec: CatalogFileSpec) -> tuple[str, Catalog]:
    return spec.path, read_supply(spec, Draws(0)).catalog


def _catalog_row(path: str, catalog: Catalog) -> dict[str, Any]:
    return {
        "file": path,
        "items": len(catalog),
        "brands": len(catalog.brands),
        "categories": len(catalog.categories),
        "without_brand": int(np.sum(catalog.brand_I < 0)),
        "without_category": int(np.sum(catalog.category_I < 0)),
        "median_price": round(float(np.median(catalog.price_I)), 2),
        "highest_price": round(float(np.max(catalog.price_I)), 2),
    }


def _judgments_row(spec: JudgmentFileSpec, catalog: Catalog) -> dict[str, Any]:
    judgments = read_judgments(spec, catalog)
    return {
        "file": spec.path,
        "queries": len(judgments.queries),
        "grades": len(judgments.grade_J),
        "relevant": int(np.sum(judgments.grade_J > 0)),
    }
