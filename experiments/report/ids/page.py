"""The bench's page: one self-contained HTML file, written from ids.json alone."""

from functools import partial

from experiments.records.ids import IdsRecord
from experiments.records.reading import read_record
from experiments.report.ids.rates import equal_terms, gains, hit_rates
from experiments.report.ids.shapes import shapes
from experiments.report.ids.verdict import (
    choice,
    comparisons,
    headline,
    paper_sentences,
    scheme_sentences,
)
from experiments.report.kit.digits import number, sureness
from experiments.report.kit.markup import tag
from experiments.report.kit.page import (
    Content,
    Part,
    cautions,
    listing,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted


def render(record: IdsRecord) -> str:
    """The whole page."""
    sentence, better = headline(record)
    said = verdict(
        "Real gain" if better else "No clear gain",
        tag("p", sentence, cls="sentence"),
        [choice(record), *comparisons(record), *cautions(record.warnings)],
        "good" if better else "plain",
    )
    sizes = [
        f"{number(record.requests)} test requests of {number(record.shoppers)} shoppers",
        f"{number(record.items)} items",
        counted(len(record.schemes), "scheme"),
        counted(len(record.seeds), "training seed"),
    ]
    parts, style = sections(PARTS, record), style_of("experiments.report.ids")
    return page(record.name, "funnelab id bench", said, sizes, parts, style)


def told(record: IdsRecord) -> Content:
    """What is real of each scheme, and what the paper has."""
    paper = paper_sentences(record)
    lead = "Real is what holds after correcting for the number of comparisons on this page."
    if not paper:
        return lead, listing(scheme_sentences(record))
    title = tag("h3", "Beside the paper", tag("small", "whose shop is another one"))
    return lead, listing(scheme_sentences(record)), title, listing(paper)


def method(record: IdsRecord) -> Content:
    """Definitions, and what must be known before believing the numbers."""
    confidence = sureness(record.confidence)
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
    return [note(each) for each in told]


PARTS: tuple[Part[IdsRecord], ...] = (
    ("gains", "Gains", "Gain over {0.baseline}", gains),
    ("told", "In words", "Which differences are real", told),
    ("hits", "Hit rates", "Hit rate by beam", hit_rates),
    ("equal", "On equal terms", "On equal terms", equal_terms),
    ("shapes", "The ids", "The ids themselves", shapes),
    ("method", "How it was measured", "How it was measured", method),
)

write_report = writer("ids.html", partial(read_record, IdsRecord), render)
"""Write the page of a finished bench, from ids.json."""
