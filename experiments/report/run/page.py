"""The page: reads a run folder, sets its sections in order, writes one file."""

import os
from collections.abc import Sequence
from pathlib import Path

from experiments.records.run import Run, read_run
from experiments.report.attribution import attribution_sections, style
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import page
from experiments.report.kit.words import number
from experiments.report.run.channels import overlap, retrieval, shares
from experiments.report.run.compared import compared
from experiments.report.run.daily import daily
from experiments.report.run.effects import effects
from experiments.report.run.health import calibration, health
from experiments.report.run.models import models
from experiments.report.run.overview import headline, key_figures
from experiments.report.run.reproduce import reproduce
from experiments.report.run.service import end_reasons, funnel_counts, latency

CHANNELS = "channels"  # where the sections on channels stand, as many as there are

CONTENTS = (
    ("compared", "What was compared"),
    ("figures", "Key figures"),
    ("effects", "Estimates and truth"),
    ("daily", "Day by day"),
    (CHANNELS, "The sections on channels"),
    ("funnel", "Funnel"),
    ("latency", "Latency"),
    ("ends", "End reasons"),
    ("retrieval", "Human grades"),
    ("models", "Models"),
    ("health", "Health"),
    ("reproduce", "Reproduce"),
)


def write_report(run_folder: Path) -> Path:
    """Write `report.html` of a finished run from its JSON files and configuration.

    The file needs no network and no other file. An older report is replaced in one step.

    Returns:
        The path of the report.

    Raises:
        StoreError: the folder has no metrics.json.
        DataError: one of the run's JSON files cannot be read.
    """
    text = render(read_run(run_folder))
    target = run_folder / "report.html"
    unfinished = run_folder / ".report.html.tmp"
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, target)
    return target


def render(run: Run) -> str:
    """The whole page."""
    head = [headline(run), tag("p", join(setting(run), " \u00b7 "), cls="setting")]
    parts = channel_parts(run)
    listed = contents(run, [(key, label) for key, label, _ in parts])
    drawn = sections(run, [part for *_, part in parts])
    own = style() if run.attribution else ""
    return page(run.metrics.name, "funnelab report", head, listed, drawn, own)


def channel_parts(run: Run) -> list[tuple[str, str, Html]]:
    """The sections on channels: anchor, name, markup; shares alone where nothing was attributed."""
    if run.attribution is not None:
        return attribution_sections(run, run.attribution)
    return [
        ("shares", "Channel shares", shares(run)),
        ("overlap", "Channel overlap", overlap(run)),
    ]


def setting(run: Run) -> list[object]:
    """The size of the world, as far as the manifest tells."""
    manifest = run.manifest
    if manifest is None:
        return ["The manifest is missing: the world's size is unknown."]
    sizes = [
        (manifest.items, "items"),
        (manifest.shoppers, "shoppers"),
        (manifest.history_days, "days of history"),
        (manifest.days, "days of experiment"),
    ]
    told: list[object] = [f"{number(size)} {what}" for size, what in sizes if size is not None]
    link = tag("a", "levels uncalibrated", href="#calibration")
    return [*told, f"seed {manifest.seed}", link]


def contents(run: Run, channel_parts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The sections that the page has; models that tell nothing have none."""
    listed: list[tuple[str, str]] = []
    for entry in CONTENTS:
        if entry[0] != "models" or run.metrics.models:
            listed += channel_parts if entry[0] == CHANNELS else [entry]
    return listed


def sections(run: Run, channel_parts: Sequence[Html]) -> list[Html | None]:
    """All sections in their order."""
    return [
        compared(run),
        key_figures(run),
        effects(run),
        daily(run),
        *channel_parts,
        funnel_counts(run),
        latency(run),
        end_reasons(run),
        retrieval(run),
        models(run),
        health(run),
        calibration(),
        reproduce(run),
    ]
