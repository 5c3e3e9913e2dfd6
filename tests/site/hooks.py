"""What the site's builder does besides: `mkdocs.yml` names this file."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tests.pages import anchor
from tests.site.sources import for_site, generated

NOTEBOOKS = "notebooks"
WORKER = "assets/worker.js"
_IN_FILE = """// A page opened as a file may not load the worker that searches: this is its source.
if (location.protocol === "file:") {
  const source = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
  window.Worker = class extends Worker { constructor() { super(source); } };
}
"""
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|embed)\b[^>]*?\ssrc=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preconnect|icon|preload))[^>]*href=[\"']?(?:https?:)?//"
    r"[^\"'\s>]+|@import\s+(?:url\()?[\"']?(?:https?:)?//[^\"'\s)]+"
)


def slug(heading: str, separator: str) -> str:
    """The anchor of a heading, as code hosts form it, so that links lead to it here and there."""
    return anchor(heading).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the place of the notebooks with those that there are; without any there is no place."""
    docs = Path(config.docs_dir)
    files = sorted((docs / NOTEBOOKS).glob("*.ipynb"))
    listed = [{_title(file): file.relative_to(docs).as_posix()} for file in files]
    nav: list[dict[str, Any]] = list(config.nav or ())
    filled = [
        {name: listed if name == "Notebooks" else each}
        for part in nav
        for name, each in part.items()
    ]
    config.extra["polyfills"] = [WORKER]  # the theme's is on another server
    config.nav = [part for part in filled if [*part.values()] != [[]]]
    return config


def _title(notebook: Path) -> str:
    """The first heading of a notebook, or its name."""
    found = re.search(r'"# ([^"\\]+)', notebook.read_text(encoding="utf-8"))
    return found[1].strip() if found else notebook.stem.replace("_", " ").capitalize()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of files beside the documentation."""
    for place, text in generated(sorted(Path(config.docs_dir).glob("*.md"))).items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links to files of the repository lead to their pages."""
    at_top = "/" not in page.file.src_uri and page.file.generated_by is None
    return for_site(markdown, "docs") if at_top else markdown


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Docstrings announce code by two colons; the reader needs one."""
    return html.replace("::</p>", ":</p>") if page.file.src_uri == "api.md" else html


def on_post_build(config: MkDocsConfig) -> None:
    """Let files be searched, and refuse a site that loads anything from elsewhere."""
    (worker,) = Path(config.site_dir, "assets/javascripts/workers").glob("search.*.js")
    text = json.dumps(worker.read_text(encoding="utf-8")).replace("</", "<\\/")
    Path(config.site_dir, WORKER).write_text(_IN_FILE % text, encoding="utf-8")
    wrong = sorted(
        {
            f"{file.relative_to(config.site_dir)}: {found[0]}"
            for kind in ("*.html", "*.css")
            for file in Path(config.site_dir).rglob(kind)
            for found in _LOADED.finditer(file.read_text(encoding="utf-8"))
        }
    )
    if wrong:
        raise PluginError(f"loaded from elsewhere == {wrong[:10]}, must be nothing")
