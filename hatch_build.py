"""The long description of the package: README.md, with nothing that leads nowhere.

README.md links to files of the repository. Its links work there and in the source distribution,
but not on the page of a package index, and the project states no public address to lead them to. So
each becomes the name of the file, and a line says where the files are. Pictures are left out.
"""

import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

README: Final = "README.md"
WHERE: Final = (
    "*Files named here, such as `docs/tutorial.md`, are in the source distribution:* "
    "`pip download --no-deps --no-binary :all: funnelab`\n\n"
)
_PICTURE = re.compile(r"^\[?!\[[^\]]*\]\([^)]*\)(\]\([^)]*\))?\n+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:)([^)#]+)(?:#[^)]*)?\)")


class LongDescription(MetadataHookInterface):
    """Makes it when the package is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the text to what the project says of itself."""
        text = Path(self.root, README).read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": described(text)}


def described(readme: str) -> str:
    """The text for an index of packages.

    Raises:
        ValueError: no second heading, above which the line stands that says where the files are.
    """
    text = _LINK.sub(_named, _PICTURE.sub("", readme))
    head, heading, rest = text.partition("\n## ")
    if not heading:
        raise ValueError(f"{README}: '## ' == missing, must be there")
    return f"{head}\n{WHERE}{heading.lstrip()}{rest}"


def _named(link: re.Match[str]) -> str:
    """What a link is called, and the file that it leads to; once where these are the same."""
    words, path = link[1], link[2]
    return f"`{path}`" if words.strip("`") == path else f"{words} (`{path}`)"
