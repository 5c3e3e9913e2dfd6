"""The source files of the packages, each read once."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("funnelab", "experiments", "cqsid", "ranking", "recall", "simulator")
"""Each imports rightwards only."""

SOURCES = sorted(
    path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")
)


@cache
def text_of(source: Path) -> str:
    """What a source file says."""
    return (ROOT / source).read_text(encoding="utf-8")


@cache
def tree_of(source: Path) -> ast.Module:
    """A source file as Python understands it."""
    return ast.parse(text_of(source))
