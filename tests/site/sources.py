"""Pages of the site that stand for files beside the documentation: sources, changes, the README.

Pages link to files of the repository. On the site such a file is a page, too, so that every link
leads somewhere without a network.
"""

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from tests.pages import ROOT

HOME, CHANGES = "index.md", "changelog.md"
_NAMED = {"README.md": HOME, "CHANGELOG.md": CHANGES}
_LANGUAGES = {".py": "python", ".toml": "toml", ".cff": "yaml"}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def on_site(file: str) -> str:
    """Where a file or folder of the repository is on the site, by their paths."""
    if file in _NAMED:
        return _NAMED[file]
    inside = re.fullmatch(r"docs/(.+)", file)
    return inside[1] if inside else f"source/{file}.md"


def linked(text: str, folder: str) -> Iterator[str]:
    """Files and folders of the repository to which a text links.

    Args:
        text: Markdown.
        folder: of the text, in the repository; "" is its root.
    """
    for _, target, _ in _LINK.findall(text):
        if ":" not in target:
            yield posixpath.normpath(posixpath.join(folder, target))


def for_site(text: str, folder: str) -> str:
    """A text with its links as they are on the site, where it stands at the top.

    Args:
        text: Markdown.
        folder: of the text, in the repository.
    """

    def moved(link: re.Match[str]) -> str:
        if ":" in link[2]:
            return link[0]
        file = posixpath.normpath(posixpath.join(folder, link[2]))
        return f"{link[1]}{on_site(file)}{link[3]}"

    return _LINK.sub(moved, text)


def generated(pages: list[Path]) -> dict[str, str]:
    """The texts of all pages that are not in `docs`, by their place on the site.

    Args:
        pages: Markdown of `docs` and the README, which link to what is shown.
    """
    made = {
        on_site(name): for_site((ROOT / name).read_text(encoding="utf-8"), "") for name in _NAMED
    }
    waiting = ["LICENSE", "CITATION.cff"]
    for page, folder in [
        *((page, "docs") for page in pages),
        *((ROOT / name, "") for name in _NAMED),
    ]:
        waiting += linked(page.read_text(encoding="utf-8"), folder)
    while waiting:
        name = waiting.pop()
        place = on_site(name)
        shown = place.startswith("source/") and (ROOT / name).exists()  # else the builder says it
        if shown and place not in made:
            inside = _inside(ROOT / name)
            made[place] = _listing(name, inside) if inside else _source(name)
            waiting += [each.relative_to(ROOT).as_posix() for each in inside]
    return made


def _inside(place: Path) -> list[Path]:
    """The modules of a folder; of a file there are none."""
    if not place.is_dir():
        return []
    rooms = [each for each in place.iterdir() if (each / "__init__.py").is_file()]
    return sorted(each for each in [*place.glob("*.py"), *rooms] if each.name != "__init__.py")


def _source(name: str) -> str:
    """A file as a page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    language = _LANGUAGES.get(Path(name).suffix, "text")
    return f"{_HIDDEN}# `{name}`\n\n````{language}\n{text.rstrip()}\n````\n"


def _listing(name: str, inside: list[Path]) -> str:
    """A folder as a page: what it is, and what is in it."""
    rows = [f"- [`{each.name}`]({each.name}.md): {_told(each)}" for each in inside]
    beside = [row.replace("](", f"]({Path(name).name}/") for row in rows]
    return f"{_HIDDEN}# `{name}`\n\n{_told(ROOT / name)}\n\n" + "\n".join(beside) + "\n"


def _told(place: Path) -> str:
    """The first line of what a module or package says of itself."""
    file = place / "__init__.py" if place.is_dir() else place
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0]


_HIDDEN = "---\nsearch:\n  exclude: true\nhide: [navigation, toc]\n---\n\n"
