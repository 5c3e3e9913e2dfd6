"""Category paths in one form, whatever parts their levels in a file."""

import re
from collections.abc import Mapping

from simulator.catalogue.catalog import Texts
from simulator.files.tables.cells import is_unicode, kind_of, list_in, text_in
from simulator.files.tables.table import cells_of

LEVEL = " > "
_COMMA = re.compile(r"(?<!\\),")
_ARROWS = re.compile(r"\s*(?:>+|»|›|→|::)\s*")
# What may part levels where most categories have it; a name such as "headphones/headset" has the
# last one, too.
_OTHERS = (re.compile(r"\s*\|+\s*"), re.compile(r"\s+/\s+"), re.compile(r"\s*/\s*"))


def in_levels(category_I: Texts) -> Texts:
    """Categories whose levels are parted by " > ".

    Arrows always part levels; `|`, ` / ` and `/` do where there is no arrow and most of the
    categories have them.
    """
    names = dict.fromkeys(name for name in category_I if name)
    separator = _ARROWS
    if not any(_ARROWS.search(name) for name in names):
        often = (s for s in _OTHERS if 2 * sum(bool(s.search(n)) for n in names) > len(names))
        separator = next(often, _ARROWS)
    path = {name: _joined(separator, name) for name in names}
    return cells_of(path.get(name, "") for name in category_I)


def _joined(separator: re.Pattern[str], name: str) -> str:
    levels = [level.strip() for level in separator.split(name)]
    return LEVEL.join(filter(None, levels)) or name


def category_in(value: object, lists: str) -> tuple[str, str]:
    """The category that a cell names, "" for none, and what it must hold where it names none.

    Args:
        value: a text or, as `lists` says, a list.
        lists: what several categories in one cell are, as of `FormatSpec.lists`; what must be
            there instead has `{setting}` in the place of that setting's section.
    """
    levels = list_in(value)
    if levels is not None and len(levels) > 1 and lists == "refuse":
        return "", (
            "one category, not a list (levels of a path, or alternatives? Say so in "
            '{setting}.lists: "path" or "first")'
        )
    if levels is None:
        text = text_in(value, joined=False)
    else:
        names = [_name(level) for level in (levels if lists == "path" else levels[:1])]
        text = None if None in names else LEVEL.join(filter(None, map(str, names)))
    if text is None:
        return "", f"one category, not a {kind_of(value)}" if levels is None else "a list of names"
    if not is_unicode(text):
        return "", "a text of whole Unicode characters"
    return (_COMMA.split(text)[0].replace("\\,", ",") if lists == "commas" else text), ""


def _name(level: object) -> str | None:
    """A level's name; one that is an object has it as `name`."""
    inner = level.get("name", level) if isinstance(level, Mapping) else level
    return text_in(inner, joined=False)
