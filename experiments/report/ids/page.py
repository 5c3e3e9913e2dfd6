"""The bench's page: one self-contained HTML file, written from ids.json alone."""

from pathlib import Path

from experiments.records.files import write_text
from experiments.records.ids import IdsRecord
from experiments.records.reading import read_record
from experiments.report.ids.gains import gains
from experiments.report.ids.hits import equal_terms, hit_rates
from experiments.report.ids.shapes import shapes
from experiments.report.ids.verdict import judge
from experiments.report.kit.digits import number, percent
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import listing, note, page, section, style_of, verdict

REPORT = "ids.html"


def write_report(folder: Path) -> Path:
    """Write the page of a bench from its ids.json; an older page is replaced in one step.

    Returns:
        The path of the page.

    Raises:
        StoreError: the folder has no ids.json.
        DataError: it is not such a record.
    """
    target = folder / REPORT
    write_text(target, render(read_record(IdsRecord, folder)))
    return target


def render(record: IdsRecord) -> str:
    """The whole page."""
    parts = [(key, name, draw(record)) for key, name, draw in PARTS]
    style = style_of("experiments.report.ids")
    return page(record.name, "funnelab id bench", top(record), parts, style)


def top(record: IdsRecord) -> list[Html]:
    """The verdict, and what the bench rests on."""
    found = judge(record)
    warnings = (tag("p", warning, cls="alarm-note") for warning in record.warnings)
    said = verdict(
        "Told apart" if found.good else "Not told apart",
        tag("p", found.sentence, cls="sentence"),
        [*found.comparisons, *warnings],
        "good" if found.good else "plain",
    )
    sizes = [
        f"{number(record.requests)} test requests of {number(record.shoppers)} shoppers",
        f"{number(record.items)} items",
        f"{len(record.schemes)} schemes",
        f"{len(record.seeds)} training seeds",
    ]
    return [said, tag("p", " \u00b7 ".join(sizes), cls="setting")]


def told(record: IdsRecord) -> Html:
    """The section that says of each scheme what is real, and what the paper has."""
    found = judge(record)
    lead = "Real is what holds after correcting for the number of comparisons on this page."
    lists = [listing(found.schemes)]
    if found.paper:
        lists.append(tag("h3", "Beside the paper", tag("small", "whose shop is another one")))
        lists.append(listing(found.paper))
    return section("told", "Which differences are real", lead, *lists)


def method(record: IdsRecord) -> Html:
    """The section with definitions and what must be known before believing the numbers."""
    confidence = percent(record.confidence, 0)
    shared = "" if record.fill == "depth" else ", the first item of every id before the second ones"
    told = (
        "Hit rate: the mean share of a request's clicked items whose id is in the beam. It charges "
        "nothing for the items that come along; item recall and the limit of "
        f"{number(record.item_limit)} items do.",
        f"Gains are paired: the same seeds and the same requests for both schemes. The {confidence}"
        " intervals take training seeds and shoppers as random at once (two-way analysis of "
        "variance, Hillis' degrees of freedom, delta method on the log scale for ratios). With "
        "few seeds that disagree they are wide, and should be.",
        "A gain is called real if it holds after Holm's correction for all hit rates of all "
        "schemes on this page. Item recall and the capped hit rates are not corrected.",
        f"Equal items: the first items of as many ids as it takes{shared}. Equal beam: of "
        f"{record.serving_beam} ids. Equal compute: of as many ids as the positions pay for that "
        f"{record.baseline} processes with a beam of {record.serving_beam}; a position is one "
        "token of the prompt or one surviving prefix, and all are taken for equally dear.",
        "Diamonds are the paper's own numbers (arXiv 2605.14434), from another catalogue, log and "
        "model: compare orders and relative gains with them, not levels.",
    )
    return section("method", "How it was measured", None, *(note(each) for each in told))


PARTS = (
    ("told", "In words", told),
    ("gains", "Gains", gains),
    ("hits", "Hit rates", hit_rates),
    ("equal", "On equal terms", equal_terms),
    ("shapes", "The ids", shapes),
    ("method", "How it was measured", method),
)
"""Anchor and name of each section, and what draws it."""
