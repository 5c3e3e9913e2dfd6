"""The page: reads a run folder, sets its sections in order, writes one file."""

from experiments.records.run import Run, read_run
from experiments.report.attribution.sections import sections as attributed
from experiments.report.kit.digits import number
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import (
    Part,
    Section,
    page,
    sections,
    style_of,
    writer,
)
from experiments.report.run.catalogue.understanding import understanding
from experiments.report.run.compared import compared
from experiments.report.run.daily import daily
from experiments.report.run.designed.causal import causal
from experiments.report.run.designed.triggered import triggered
from experiments.report.run.effects import effects
from experiments.report.run.health import calibration, health
from experiments.report.run.judges import judges
from experiments.report.run.models import models
from experiments.report.run.overview import headline, key_figures
from experiments.report.run.reproduce import reproduce
from experiments.report.run.service.pictures import end_reasons, funnel_counts, latency, retrieval
from experiments.report.run.stress import conditions
from experiments.report.run.truths.headroom import headroom
from experiments.report.run.truths.longrun import long_run
from experiments.report.run.truths.segments import segments


def render(run: Run) -> str:
    """The whole page."""
    found, style = pictured(run)
    parts: list[Section | Html] = [*found[:-1], calibration(), *found[-1:]]
    return page(run.metrics.name, "funnelab report", headline(run), setting(run), parts, style)


def pictured(run: Run) -> tuple[list[Section], str]:
    """All sections, and the style that they need beyond the common one."""
    parts = sections(FIRST, run)
    parts += attributed(run, run.attribution) if run.attribution else []
    parts += sections(LAST, run)
    return parts, style_of("experiments.report.attribution") if run.attribution else ""


FIRST: tuple[Part[Run], ...] = (
    ("effects", "The answer", "What the test says, and what is true", effects),
    ("compared", "What was compared", "What was compared", compared),
    ("figures", "Key figures", "Key figures", key_figures),
    ("triggered", "Where pages differ", "Where the arms' pages differ", triggered),
    ("causal", "Causal credit", "What would not have been bought anyway", causal),
    ("headroom", "Headroom", "What recall could gain at most", headroom),
    ("segments", "By kind of search", "The true effect by kind of search", segments),
    ("daily", "Day by day", "Effect as the days add up", daily),
    ("lasting", "Early and late", "The true effect early and late", long_run),
)
LAST: tuple[Part[Run], ...] = (
    ("funnel", "Funnel", "Through the funnel", funnel_counts),
    ("latency", "Latency", "Latency", latency),
    ("ends", "End reasons", "Why sessions ended", end_reasons),
    ("retrieval", "Human grades", "Retrieval on human grades", retrieval),
    ("understanding", "Understanding", "Product understanding", understanding),
    ("judges", "Judges", "Relevance judges", judges),
    ("stress", "Several conditions", "Requests of several conditions", conditions),
    ("models", "Models", "Models", models),
    ("health", "Health", "Health", health),
    ("reproduce", "Reproduce", "How to reproduce", reproduce),
)
"""The sections before and behind those on attribution."""


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


write_report = writer("report.html", read_run, render)
"""Write the page of a finished run; only metrics.json is needed."""
