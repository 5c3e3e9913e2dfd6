"""Category paths in one form, whatever parts their levels in a file."""

import re

from simulator.catalogue.catalog import Texts
from simulator.files.tables.table import cells_of

LEVEL = " > "
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
