"""The frame of every page: head, theme, contents and sections in one self-contained file."""

from collections.abc import Sequence
from importlib.resources import files

from experiments.report.kit.markup import Html, join, raw_asset, tag


def page(
    name: str,
    kind: str,
    head: Sequence[object],
    contents: Sequence[tuple[str, str]],
    sections: Sequence[Html | None],
    style: str = "",
) -> str:
    """A whole page, which needs no network and no other file.

    Args:
        name: of the run.
        kind: what the page is, as "funnelab report".
        head: what stands under the name: the verdict, the sizes.
        contents: (anchor, label) of each section.
        sections: the sections; None is left out.
        style: CSS beyond the common one.
    """
    toggle = tag(
        "button", "Theme", id="theme", type="button", hidden=True, aria_label="Change the theme"
    )
    top = tag(
        "header",
        tag("div", tag("span", kind, cls="kind"), toggle, cls="bar-top"),
        tag("h1", name),
        *head,
    )
    links = [tag("li", tag("a", label, href=f"#{key}")) for key, label in contents]
    nav = tag("nav", tag("ol", *links), aria_label="Contents")
    body = tag(
        "body",
        top,
        tag("div", nav, tag("main", join(sections)), cls="columns"),
        raw_asset("script", _asset("script.js")),
    )
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", f"{name} \u00b7 {kind}"),
            raw_asset("style", _asset("style.css") + style),
        ),
        body,
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


def _asset(name: str) -> str:
    """A file of this package."""
    return files("experiments.report.kit").joinpath(name).read_text(encoding="utf-8")
