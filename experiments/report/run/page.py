"""The page: reads a run folder, sets its sections in order, writes one file."""

from pathlib import Path

from experiments.records.files import write_text
from experiments.records.run import Run, read_run
from experiments.report.attribution.sections import sections
from experiments.report.kit.digits import number
from experiments.report.kit.markup import join, tag
from experiments.report.kit.page import Section, page, style_of
from experiments.report.run.compared import compared
from experiments.report.run.daily import daily
from experiments.report.run.effects import effects
from experiments.report.run.health import calibration, health
from experiments.report.run.models import models
from experiments.report.run.overview import headline, key_figures
from experiments.report.run.reproduce import reproduce
from experiments.report.run.retrieval import retrieval
from experiments.report.run.service import end_reasons, funnel_counts, latency


def write_report(run_folder: Path) -> Path:
    """Write `report.html` of a finished run from its JSON files and configuration.

    The file needs no network and no other file. An older report is replaced in one step.

    Returns:
        The path of the report.

    Raises:
        StoreError: the folder has no metrics.json.
        DataError: one of the run's JSON files cannot be read.
    """
    target = run_folder / "report.html"
    write_text(target, render(read_run(run_folder)))
    return target


def render(run: Run) -> str:
    """The whole page."""
    head = [headline(run), tag("p", join(setting(run), " \u00b7 "), cls="setting")]
    own = style_of("experiments.report.attribution") if run.attribution else ""
    return page(run.metrics.name, "funnelab report", head, parts(run), own)


def parts(run: Run) -> list[Section]:
    """All sections in their order."""
    return [
        ("compared", "What was compared", compared(run)),
        ("figures", "Key figures", key_figures(run)),
        ("effects", "Estimates and truth", effects(run)),
        ("daily", "Day by day", daily(run)),
        *(sections(run, run.attribution) if run.attribution else ()),
        ("funnel", "Funnel", funnel_counts(run)),
        ("latency", "Latency", latency(run)),
        ("ends", "End reasons", end_reasons(run)),
        ("retrieval", "Human grades", retrieval(run)),
        ("models", "Models", models(run)),
        ("health", "Health", health(run)),
        ("calibration", "", calibration()),
        ("reproduce", "Reproduce", reproduce(run)),
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
