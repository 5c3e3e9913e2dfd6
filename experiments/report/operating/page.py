"""The page of operating characteristics: one HTML file, written from operating.json alone."""

from functools import partial

from experiments.records.experiment.operating import Operating, Verdict
from experiments.records.reading import read_record
from experiments.report.kit.digits import sureness
from experiments.report.kit.markup import tag
from experiments.report.kit.page import (
    Content,
    Part,
    listing,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted
from experiments.report.operating.pictures import (
    coverage,
    errors,
    false_positives,
    power,
    uniformity,
)
from experiments.report.operating.words import (
    QUESTIONS,
    asked,
    fault_sentence,
    headline,
    question_words,
    sizes,
)


def render(record: Operating) -> str:
    """The whole page."""
    fails, untold = (record.count(each) for each in (Verdict.FAILS, Verdict.UNTOLD))
    badge = "Holds"
    if fails:
        badge = f"{counted(fails, 'promise')} broken"
    elif untold:
        badge = f"{counted(untold, 'promise')} open"
    further = [f"{QUESTIONS[each]}: {question_words(record, each)}" for each in asked(record)]
    fault = fault_sentence(record)
    told = verdict(
        badge,
        tag("p", headline(record), cls="sentence"),
        [*further, *([fault] if fault else [])],
        "bad" if fails else "plain" if untold else "good",
    )
    setting = [
        f"{record.treatment} against {record.control}",
        *sizes(record),
        f"{sureness(record.monte_carlo)} intervals of what is found",
    ]
    parts, style = sections(PARTS, record), style_of("experiments.report.operating")
    return page(record.name, "funnelab calibration", told, setting, parts, style)


def method(record: Operating) -> Content:
    """What must be known before the numbers are believed."""
    level, chance = sureness(record.monte_carlo), sureness(1 - record.monte_carlo)
    told = [
        "By redraws: two worlds of equal luck, everybody in control and everybody in the "
        "treatment, are lived once, and the split is drawn again and again. Units do not touch "
        "each other then. Of an A/B test the independent units are drawn with replacement, too, "
        "for a real test's are a sample.",
        "By worlds: experiments with luck of their own, whose arms share a shop: what the design "
        "does not keep apart is in them. Shop, shoppers and models are the same in all.",
        "The true effect is that of other paired worlds, with luck of their own.",
        f"Intervals of what is found are {level} ones: exact for rates (Clopper and Pearson), "
        "Dvoretzky, Kiefer and Wolfowitz's for distances, Student's for means.",
        "A promise does not hold where it is beyond chance also after correcting for the number "
        f"of tests that were asked the same (Holm, below {chance}). It holds where it lies in the "
        "interval and errors twice as frequent do not, or where the whole interval is next to it. "
        "Else it cannot be told.",
    ]
    return [listing(record.missing) if record.missing else None, *(note(each) for each in told)]


PARTS: tuple[Part[Operating], ...] = (
    ("false-positives", "False positives", "How often an A/A is called", false_positives),
    ("uniformity", "p-values", "Whether p-values are even", uniformity),
    ("coverage", "Coverage", "How often intervals hold the effect", coverage),
    ("power", "Power", "How often the effect is found", power),
    ("errors", "Type S and M", "How wrong what is found is", errors),
    ("method", "How it was asked", "How it was asked, and what was not", method),
)

write_report = writer("operating.html", partial(read_record, Operating), render)
"""Write the page of operating characteristics, from operating.json."""
