"""README.md as an index of packages shows it."""

import re

import pytest

from hatch_build import WHERE, described
from tests.house import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_to_files_become_their_names_and_pictures_go() -> None:
    text = (
        "# a\n\n[![seen](docs/p.png)](docs/g.md)\n\n![seen](docs/q.png)\n\n"
        "See [the guide](docs/g.md#here), [docs/g.md](docs/g.md), [out](https://example.org/a).\n"
        "\n## Start\n\nGo.\n"
    )
    assert described(text) == (
        "# a\n\nSee the guide (`docs/g.md`), `docs/g.md`, [out](https://example.org/a).\n"
        f"\n{WHERE}## Start\n\nGo.\n"
    )


def test_no_link_of_the_readme_leads_nowhere_and_every_file_named_is_there() -> None:
    text = described(README)
    assert not re.findall(r"\]\((?!https?://)", text)
    found = re.findall(r"`((?:[\w-]+/)*[\w-]+\.md|LICENSE)`", text)
    assert len(found) > 20
    assert all((ROOT / path).is_file() for path in found), found


def test_a_readme_without_sections_is_refused() -> None:
    with pytest.raises(ValueError, match="must be there"):
        described("# a\n")
