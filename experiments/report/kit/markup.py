"""Building HTML in which everything that is not markup is escaped, by construction."""

import re
from collections.abc import Iterable
from html import escape, unescape

VOID = frozenset({"meta", "br", "hr", "input"})


class Html(str):
    """Text that is already markup; any other string is escaped when it becomes a child."""

    __slots__ = ()


def text(value: object) -> Html:
    """The value as escaped text; markup, and what knows how it looks, as it is."""
    if isinstance(value, Html):
        return value
    draw = getattr(value, "__html__", None)
    return Html(draw() if draw else escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Children one after the other, each escaped unless it is markup."""
    return Html(text(between).join(text(part) for part in parts if part is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element.

    `cls` is the class attribute, underscores in other names become hyphens, None leaves an
    attribute out and True writes it without a value.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = "class" if key == "cls" else key.strip("_").replace("_", "-")
        written.append(f" {label}" if value is True else f' {label}="{escape(str(value))}"')
    opening = f"<{name}{''.join(written)}>"
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def words_of(value: object) -> str:
    """What is to be read of markup, on one line; small print is left out."""
    bare = re.sub(r"<small\b.*?</small>", " ", text(value), flags=re.DOTALL)
    return re.sub(" +", " ", unescape(re.sub(r"<[^>]*>", " ", bare))).strip()


def raw_asset(name: str, content: str) -> Html:
    """A style or script element around this package's own file, which is not escaped."""
    return Html(f"<{name}>\n{content}</{name}>")
