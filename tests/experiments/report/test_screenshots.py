"""Pages look as they did: at two widths and in two themes, compared with pictures that are kept."""

import re
from dataclasses import replace

import pytest
from PIL import ImageFilter

from tests.experiments.report.screenshots import (
    KINDS,
    NAMES,
    THEMES,
    WIDTHS,
    differences,
    golden,
    looks,
    unfolded,
)

# What is dark is seen on a desk, and what is narrow in light.
SOON = [(width, theme) for width, theme in KINDS if width == max(WIDTHS) or theme == "light"]
LATE = [kind for kind in KINDS if kind not in SOON]


@pytest.mark.parametrize(
    "kinds", [pytest.param(SOON, id="soon"), pytest.param(LATE, id="late", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_looks_as_it_did(browsing, written, name, kinds, tmp_path):
    compare(looks(browsing, name, written[name], tmp_path, kinds), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_all_folds_open_looks_as_it_did(browsing, written, name, tmp_path):
    compare(unfolded(browsing, name, written[name], tmp_path), tmp_path)


def compare(found_looks, tmp_path):
    """Fail where a page does not look as it did, and leave a picture of it."""
    said = []
    for look in found_looks:
        found = differences(look, golden(look.name))
        if found:
            look.picture.save(tmp_path / f"{look.name}.png")
            said += found
    hint = f"compare {tmp_path} with tests/golden/pages; `make screenshots` takes them anew"
    assert not said, "\n".join([*said, hint])


def test_every_page_has_its_pictures(written):
    assert set(written) == set(NAMES)
    for name in NAMES:
        kinds = (*THEMES, "unfolded")
        assert all(golden(f"{name}-{width}-{kind}") for width in WIDTHS for kind in kinds)


SPOILT = {  # of the bench's page, and the section in which it is seen
    "a moved block": ('id="gains-title"', 'style="padding-left:2rem" id="gains-title"', "gains"),
    "a lost label": ("the paper&#x27;s gain", "", "gains"),
    "another colour": ("#3d9fd6", "#a02020", "hits"),
    "a lost curve": ('<path [^>]*class="curve"></path>', "", "hits"),
    "a mark that is elsewhere": (r'(class="mark-plain" style="left:)\d+', r"\g<1>9", "gains"),
}


@pytest.mark.parametrize("change", SPOILT)
def test_what_is_moved_or_lost_is_seen_and_named(browsing, written, change, tmp_path):
    before, after, section = SPOILT[change]
    page, count = re.subn(before, after, written["ids"])
    assert count
    look = next(looks(browsing, "ids", page, tmp_path))
    assert f"section {section}" in "".join(differences(look, golden(look.name)))


def test_a_longer_page_is_seen(browsing, written, tmp_path):
    page = written["ids"].replace("</main>", "<section><h2>One more</h2></section></main>")
    look = next(looks(browsing, "ids", page, tmp_path))
    assert "large, must be" in "".join(differences(look, golden(look.name)))


def test_how_letters_are_smoothed_is_no_difference(browsing, written, tmp_path):
    look = next(looks(browsing, "ids", written["ids"], tmp_path))
    for softer in (ImageFilter.GaussianBlur(0.7), ImageFilter.UnsharpMask(1, 60, 0)):
        assert not differences(
            replace(look, picture=look.picture.filter(softer)), golden(look.name)
        )
