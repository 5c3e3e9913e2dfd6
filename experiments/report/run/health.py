"""Whether the run can be trusted: sample ratios, dropped channels, empty pages, warnings."""

import re

from experiments.inference.diagnostics.srm import SRM_ALARM
from experiments.records.metrics import SampleRatio
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name
from experiments.report.kit.digits import fixed, number, p_value, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, judged, listing
from experiments.report.kit.sentences import REASONS, begun, meaning, plain_name
from experiments.report.kit.tables import Table

CALIBRATION = (
    "How shoppers examine a page and how clicks become purchases are set from published values, "
    "not from this shop: the levels are uncalibrated until you bring a log of your own. Read "
    "differences between arms, and how sure they are, rather than the levels themselves."
)


def health(run: Run) -> Content:
    """What must be known before the numbers are believed."""
    found = run.metrics.health.warnings + (run.truths.warnings if run.truths else ())
    warnings = [_readable(run, each) for each in found]
    parts: dict[str, list[object]] = {
        "Sample ratio": _ratios(run),
        "Dropped channels": _dropped(run),
        "Traffic and empty pages": _traffic(run),
        "Warnings": [listing(warnings) if warnings else tag("p", "None.")],
    }
    return [tag("div", tag("h3", title), *content) for title, content in parts.items()]


def _readable(run: Run, warning: str) -> str:
    """A warning with the metric by its name on the page, as a sentence."""
    name = re.match(r"\w+", warning)
    if name and name.group() in run.metrics.metric_names:
        warning = meaning(name.group()).label + warning[name.end() :]
    return begun(warning.replace("+-", "\u00b1").removesuffix(".")) + "."


def calibration() -> Html:
    """The note on what the levels rest on."""
    title = tag("strong", "Uncalibrated levels. ")
    return tag("aside", title, CALIBRATION, cls="callout", id="calibration")


def _ratios(run: Run) -> list[object]:
    """Sample ratios: were the arms as large as planned?"""
    if not run.metrics.srm:
        return [absent("No sample ratio was tested.")]
    said = (
        f"Whether arms have the size that was planned (chi-square; alarm below p = {SRM_ALARM}). "
        "Where they have not, something other than the treatment differs between them."
    )
    tests = Table.of(
        "Sample ratio tests",
        run.metrics.srm,
        (run.metrics.units.capitalize(), lambda row: plain_name(row.population)),
        ("Counted (planned)", _sizes),
        ("p", lambda row: p_value(row.p_value)),
        ("Verdict", _passed),
        names=2,
    )
    return [tag("p", said), tests]


def _sizes(row: SampleRatio) -> str:
    entries = zip(row.arms, row.counts, row.expected, strict=False)
    return "; ".join(f"{arm} {number(got)} ({fixed(plan, 0)})" for arm, got, plan in entries)


def _passed(row: SampleRatio) -> Html:
    if row.p_value is None:
        return tag("b", "untested")
    return judged(row.p_value >= SRM_ALARM, "as planned", "mismatch")


def _dropped(run: Run) -> list[object]:
    """Channels that pages had to be served without."""
    if not run.metrics.health.dropped:
        return [tag("p", "No channel was dropped from any request.")]
    counts = Table.of(
        "Channels dropped, by reason",
        run.metrics.health.dropped,
        ("Channel", lambda row: row.channel),
        ("Arm", lambda row: arm_name(run.arms, row.arm)),
        ("Reason", lambda row: REASONS.get(row.reason, plain_name(row.reason))),
        ("First message", lambda row: row.detail),
        ("Requests", lambda row: number(row.requests)),
        ("Share of requests", lambda row: percent(row.share, 2)),
        names=4,
    )
    return [tag("p", "These pages were served by the remaining channels."), counts]


def _traffic(run: Run) -> list[object]:
    if not run.metrics.health.requests:
        return [absent("The run holds no traffic counts.")]
    counts = Table.of(
        "Traffic by arm",
        run.metrics.health.requests,
        ("Arm", lambda row: arm_name(run.arms, row.arm)),
        ("Shoppers", lambda row: number(row.shoppers)),
        ("Sessions", lambda row: number(row.sessions)),
        ("Requests", lambda row: number(row.requests)),
        ("No result", lambda row: percent(row.zero_result_rate, 2)),
        ("Without a click", lambda row: percent(row.abandonment, 1)),
    )
    return [counts]
