"""A page lists its sections, opens the first ones, and folds the others."""

import re

from experiments.report.kit.markup import Html, words_of
from experiments.report.kit.page import OPEN, Section, alone, page

PARTS = [Section(f"part{at}", f"Part {at}", f"Title {at}", ("A lead.",)) for at in range(5)]


def test_the_first_sections_are_open_and_the_others_are_folds() -> None:
    html = page("name", "kind", Html(""), [], [*PARTS, Html("<aside>x</aside>")], "")
    folds = re.findall(r'<details class="chapter"( open)?>', html)
    assert [each != "" for each in folds] == [at < OPEN for at in range(len(PARTS))]
    assert "<aside>x</aside></main>" in html


def test_contents_lead_to_every_section_without_a_script() -> None:
    html = page("name", "kind", Html(""), [], PARTS, "")
    nav = html[html.index("<nav") : html.index("</nav>")]
    assert re.findall(r'href="#(\w+)">([^<]*)', nav) == [(each.key, each.label) for each in PARTS]
    assert "<details open>" in nav
    assert all(f'<section id="{each.key}"' in html for each in PARTS)


def test_a_section_alone_is_not_folded() -> None:
    html = alone("Part 3", PARTS[3], "")
    assert "<details" not in html
    assert '<h2 id="part3-title">Title 3</h2><p class="lead">A lead.</p>' in html


def test_words_of_markup_are_without_tags_and_small_print() -> None:
    assert words_of(Html("<b>A &amp; B</b><small>hint</small>  <i>c</i>")) == "A & B c"
    assert words_of("1 < 2") == "1 < 2"
