"""The pages that readers see, and the blocks of code in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each block of a page, in its order."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """The anchor of a heading, as code hosts form it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
