"""Tables, and the fold under each picture that holds its numbers."""

from collections.abc import Sequence

from experiments.report.kit.markup import Html, join, tag


def table(
    caption: str, head: Sequence[object], rows: Sequence[Sequence[object]], names: int = 1
) -> Html:
    """A table whose first `names` columns are names and whose others are numbers."""
    header = tag(
        "tr", *(tag("th", cell, scope="col", cls=side(at, names)) for at, cell in enumerate(head))
    )
    body = [
        tag(
            "tr",
            *(
                tag("th", cell, scope="row") if at == 0 else tag("td", cell, cls=side(at, names))
                for at, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    inner = tag("table", tag("caption", caption), tag("thead", header), tag("tbody", *body))
    return tag("div", inner, cls="scroll", tabindex="0", role="region", aria_label=caption)


def side(column: int, names: int) -> str | None:
    """Numbers stand to the right, names to the left."""
    return None if column < names else "num"


def folded(content: Html, summary: str = "Show as a table") -> Html:
    """Content behind a line that opens it."""
    return tag("details", tag("summary", summary), content, cls="fold")


def figure(caption: str, picture: Html, numbers: Html, described: str) -> Html:
    """A picture with its caption, a description for those who cannot see it, and its table."""
    return tag(
        "figure",
        tag("figcaption", caption) if caption else None,
        tag("div", picture, role="img", aria_label=described, cls="picture"),
        folded(numbers),
    )


def section(key: str, title: str, lead: object, *content: object) -> Html:
    """One part of the page."""
    heading = tag("h2", title, id=f"{key}-title")
    intro = tag("p", lead, cls="lead") if lead else None
    return tag("section", heading, intro, join(content), id=key, aria_labelledby=f"{key}-title")


def alarm(sentence: str) -> Html:
    """A warning that must be seen before what follows it is read."""
    return tag("p", sentence, cls="alarm-note", role="note")


def absent(sentence: str) -> Html:
    """Said where a part of the run is missing."""
    return tag("p", sentence, cls="absent")
