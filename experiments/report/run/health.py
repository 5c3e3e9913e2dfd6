"""Whether the run can be trusted: sample ratios, dropped channels, empty pages, warnings."""

from experiments.inference.srm import SRM_ALARM
from experiments.records.metrics import SampleRatio
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name
from experiments.report.kit.digits import fixed, number, p_value, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, listing, section
from experiments.report.kit.sentences import REASONS, plain_name
from experiments.report.kit.tables import Table

CALIBRATION = (
    "How shoppers examine a page and how clicks become purchases are set from published values, "
    "not from this shop: the levels are uncalibrated until you bring a log of your own. Read "
    "differences between arms, and how sure they are, rather than the levels themselves."
)


def health(run: Run) -> Html:
    """The section on health."""
    parts = [ratio_part(run), dropped_part(run), traffic_part(run), warnings_part(run)]
    return section("health", "Health", None, *parts)


def calibration() -> Html:
    """The note on what the levels rest on."""
    return tag(
        "aside",
        tag("strong", "Uncalibrated levels. "),
        CALIBRATION,
        cls="callout",
        id="calibration",
    )


def ratio_part(run: Run) -> Html:
    """Sample ratios: were the arms as large as planned?"""
    rows = run.metrics.srm
    head = tag("h3", "Sample ratio")
    if not rows:
        return tag("div", head, absent("No sample ratio was tested."))
    cells = [
        [plain_name(row.population), sizes(row), p_value(row.p_value), passed(row)] for row in rows
    ]
    said = (
        f"Whether arms have the size that was planned (chi-square; alarm below p = {SRM_ALARM}). "
        "Where they have not, something other than the treatment differs between them."
    )
    columns = ["Shoppers", "Counted (planned)", "p", "Verdict"]
    return tag("div", head, tag("p", said), Table("Sample ratio tests", columns, cells, names=2))


def sizes(row: SampleRatio) -> str:
    """Counted and planned sizes of the arms."""
    entries = zip(row.arms, row.counts, row.expected, strict=False)
    return "; ".join(f"{arm} {number(got)} ({fixed(plan, 0)})" for arm, got, plan in entries)


def passed(row: SampleRatio) -> Html:
    """Whether a sample ratio is as planned."""
    if row.p_value is None:
        return tag("b", "untested")
    good = row.p_value >= SRM_ALARM
    return tag("b", "as planned" if good else "mismatch", cls="yes" if good else "no")


def dropped_part(run: Run) -> Html:
    """Channels that pages had to be served without."""
    rows = run.metrics.health.dropped
    head = tag("h3", "Dropped channels")
    if not rows:
        return tag("div", head, tag("p", "No channel was dropped from any request."))
    cells = [
        [
            row.channel,
            arm_name(run.arms, row.arm),
            REASONS.get(row.reason, plain_name(row.reason)),
            row.detail,
            number(row.requests),
            percent(row.share, 2),
        ]
        for row in rows
    ]
    columns = ["Channel", "Arm", "Reason", "First message", "Requests", "Share of requests"]
    said = "These pages were served by the remaining channels."
    return tag(
        "div", head, tag("p", said), Table("Channels dropped, by reason", columns, cells, names=4)
    )


def traffic_part(run: Run) -> Html:
    """What each arm served."""
    rows = run.metrics.health.requests
    head = tag("h3", "Traffic and empty pages")
    if not rows:
        return tag("div", head, absent("The run holds no traffic counts."))
    cells = [
        [
            arm_name(run.arms, row.arm),
            number(row.shoppers),
            number(row.sessions),
            number(row.requests),
            percent(row.zero_result_rate, 2),
            percent(row.abandonment, 1),
        ]
        for row in rows
    ]
    columns = ["Arm", "Shoppers", "Sessions", "Requests", "No result", "Without a click"]
    return tag("div", head, Table("Traffic by arm", columns, cells))


def warnings_part(run: Run) -> Html:
    """What the analysis wants to be known."""
    rows = run.metrics.health.warnings + (run.truths.warnings if run.truths else ())
    if not rows:
        return tag("div", tag("h3", "Warnings"), tag("p", "None."))
    return tag("div", tag("h3", "Warnings"), listing(rows))
