"""XML is read as a stream: feeds, plain lists, and nothing that could do harm."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from simulator.files.tables.findings import UnusableFile
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.readers import read_table, table_columns
from tests.simulator.files.shops import written

RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<title>The shop</title><link>https://x</link>
<item><g:id>1</g:id><title>Lamp</title><g:price>10 EUR</g:price>
  <g:shipping><g:country>DE</g:country></g:shipping>
  <g:shipping><g:country>FR</g:country></g:shipping></item>
</channel></rss>
"""


def rows(path: Path, *names: str, **settings: str) -> list[tuple[object, ...]]:
    wanted = {f"columns.{name}": name for name in names}
    table = read_table(path, FormatSpec(**settings), wanted, "catalog.file.format")
    assert table.unit == "line"
    cells = zip(*(table.columns[name] for name in names), strict=True)
    return [(int(n), *row) for n, row in zip(table.number_I, cells, strict=True)]


def refusal(path: Path, *names: str, **settings: str) -> str:
    with pytest.raises(UnusableFile) as caught:
        rows(path, *(names or ("id",)), **settings)
    return str(caught.value)


def test_a_record_has_its_line_its_fields_and_lists_of_what_comes_twice(tmp_path: Path) -> None:
    path = written(tmp_path, RSS, "feed.xml")
    countries = [{"g:country": "DE"}, {"g:country": "FR"}]
    found = rows(path, "g:id", "title", "g:shipping", "g:shipping.1.g:country")
    assert found == [(4, "1", "Lamp", countries, "FR")]
    assert table_columns(path, FormatSpec()) == ["g:id", "g:price", "g:shipping", "title"]


@pytest.mark.parametrize("prefix", ["g", "base", "ns0"])
def test_google_names_have_one_prefix_whatever_the_file_has(tmp_path: Path, prefix: str) -> None:
    text = RSS.replace("g:", f"{prefix}:").replace("xmlns:g=", f"xmlns:{prefix}=")
    assert rows(written(tmp_path, text, "feed.xml"), "g:id") == [(4, "1")]


def test_attributes_are_fields(tmp_path: Path) -> None:
    text = '<shop><p id="7"><price unit="EUR">3</price><a href="/x"/></p><p id="8"/></shop>'
    found = rows(written(tmp_path, text, "p.xml"), "@id", "price", "price@unit", "a@href")
    assert found == [(1, "7", "3", "EUR", "/x"), (1, "8", None, None, None)]


def test_markup_within_a_text_is_text(tmp_path: Path) -> None:
    text = "<l><p><d>A <b>red</b> lamp</d></p><p><d><![CDATA[1 < 2]]>&amp;3</d></p></l>"
    found = [row[1] for row in rows(written(tmp_path, text, "p.xml"), "d")]
    assert found == ["A  lamp red", "1 < 2&3"]


def test_records_are_the_elements_that_come_repeatedly_with_others_in_them(tmp_path: Path) -> None:
    yandex = (
        "<yml_catalog><shop><name>x</name><categories><category id='1'>Lamps</category>"
        "<category id='2'>Desks</category></categories><offers>"
        "<offer id='a'><name>Lamp</name><param>1</param></offer>"
        "<offer id='b'><name>Desk</name></offer></offers></shop></yml_catalog>"
    )
    found = [row[1:] for row in rows(written(tmp_path, yandex, "p.xml"), "@id", "name")]
    assert found == [("a", "Lamp"), ("b", "Desk")]


def test_one_record_alone_is_found(tmp_path: Path) -> None:
    text = "<products><product><id>1</id></product></products>"
    assert rows(written(tmp_path, text, "p.xml"), "id") == [(1, "1")]


def test_two_lists_are_asked_about_and_the_setting_decides(tmp_path: Path) -> None:
    text = "<s><a><id>1</id></a><a><id>2</id></a><b><id>3</id></b><b><id>4</id></b></s>"
    path = written(tmp_path, text, "p.xml")
    wanted = "catalog.file.format.records == '', must be the path of the records in p.xml: 'a', 'b'"
    assert refusal(path) == wanted
    assert [row[1] for row in rows(path, "id", records="b")] == ["3", "4"]
    assert refusal(path, records="c").endswith("(there are: a, b)")


def test_a_field_that_no_record_has_is_told_with_the_closest(tmp_path: Path) -> None:
    told = refusal(written(tmp_path, RSS, "feed.xml"), "g:idd")
    assert "columns.g:idd == 'g:idd', must be a column of feed.xml" in told
    assert "'g:id'" in told


BOMB = """<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss><channel><item><id>&b;</id></item></channel></rss>"""
REFUSED = {
    "a bomb of entities": (BOMB, "p.xml, line 1 == the entity 'a' declared, must be XML without"),
    "an entity of another file": (
        '<!DOCTYPE r [\n<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<r><p><id>&x;</id></p></r>',
        "p.xml, line 2 == the entity 'x' declared",
    ),
    "an entity of HTML": ("<r><p>\n<id>a&nbsp;b</id></p></r>", "p.xml, line 2 == unreadable (und"),
    "an entity of HTML, with a DTD that nobody reads": (
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">\n<r><p><id>a&nbsp;b</id></p></r>',
        "p.xml, line 2 == &nbsp;, must be a letter, or &amp;",
    ),
    "a tag that is not closed": ("<r>\n<p><id>1</p>\n</r>", "p.xml, line 2 == unreadable (mism"),
    "a file that is cut off": ("<r>\n<p><id>1</id></p>\n", "p.xml, line 3 == unreadable (no elem"),
    "something behind the end": ("<r><p><id>1</id></p></r>\n<r/>", "line 2 == unreadable (junk"),
    "no element with others in it": ("<r><p>1</p><p>2</p></r>", "p.xml == no element with others"),
    "no XML at all": ("id,title\n1,lamp\n", "p.xml, line 1 == unreadable (syntax error), must be"),
    "a web page": ("<!DOCTYPE html><html/>", "p.xml == a web page, must be a table"),
    "elements without end": ("<r>" + "<a>" * 99 + "</a>" * 99 + "</r>", "elements 64 deep, must"),
    "an ampersand alone": ("<r><p>\n<id>R & D</id></p></r>", "p.xml, line 2 == unreadable (not"),
    "a control character": ("<r><p>\n<id>\x01</id></p></r>", "p.xml, line 2 == unreadable (not"),
    "nothing": ("", "p.xml == an empty file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_whole_and_plain_xml_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, wanted = REFUSED[case]
    assert wanted in refusal(written(tmp_path, text, "p.xml"))


def test_a_text_that_swallows_a_record_is_refused(tmp_path: Path) -> None:
    """A CDATA section whose end is spoiled goes on to the end of the next one."""
    text = "<r>\n<p><d><![CDATA[a]></d></p>\n<p><d><![CDATA[b]]></d></p>\n<p><d>c</d></p></r>"
    wanted = "p.xml, line 3 == a text with the end of its own d and of the p of line 2, must be"
    assert refusal(written(tmp_path, text, "p.xml"), "d").startswith(wanted)
    html = "<r><p><d><![CDATA[<p>a</p> <p>b</p>]]></d></p><p><d>c</d></p></r>"
    assert [row[1] for row in rows(written(tmp_path, html, "p.xml"), "d")][1] == "c"


BODY = "<r>\n<p><id>1</id><title>Küche</title></p>\n<p><id>2</id><title>Bett</title></p></r>"


def declared(encoding: str, body: str = BODY) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{body}'


@pytest.mark.parametrize(
    "data",
    [
        declared("UTF-8").encode(),
        BODY.encode(),
        b"\xef\xbb\xbf" + declared("utf-8").encode(),
        declared("ISO-8859-1").encode("latin-1"),
        declared("windows-1252").encode("cp1252"),
        declared("utf-16").encode("utf-16"),
        declared("utf-16").encode("utf-16-be"),
        gzip.compress(declared("ISO-8859-1").encode("latin-1")),
    ],
)
def test_a_file_is_read_in_the_encoding_that_it_declares(tmp_path: Path, data: bytes) -> None:
    name = "p.xml.gz" if data[:2] == b"\x1f\x8b" else "p.xml"
    titles = [row[1] for row in rows(written(tmp_path, data, name), "title")]
    assert titles == ["Küche", "Bett"]


def test_encodings_of_several_bytes_to_a_letter_are_read(tmp_path: Path) -> None:
    body = "<r><p><t>赤いランプ</t></p><p><t>机</t></p></r>"
    data = declared("Shift_JIS", body).encode("shift_jis")
    assert [row[1] for row in rows(written(tmp_path, data, "p.xml"), "t")] == ["赤いランプ", "机"]


ENCODINGS = {
    "UTF-8 that is none": (
        declared("UTF-8").encode("latin-1"),
        "p.xml, line 3 == b'\\xfc', must be valid UTF-8; or is it catalog.file.format.encoding = "
        '"windows-1252"? Then it reads \'<p><id>1</id><title>Küche',
    ),
    "nothing declared, and no UTF-8": (BODY.encode("latin-1"), "p.xml, line 2 == b'\\xfc', must"),
    "another one, and UTF-8 by its bytes": (
        declared("ISO-8859-1").encode(),
        "p.xml == declared as ISO-8859-1, must be UTF-8 by its bytes; say which it is",
    ),
    "UTF-16 in single bytes": (
        declared("utf-16").encode(),
        "p.xml, line 1 == encoding 'utf-16', must be the one of its bytes, which are single",
    ),
    "one that nobody knows": (declared("klingon").encode(), "encoding 'klingon', must be a known"),
    "one that is no encoding": (declared("rot13").encode(), "encoding 'rot13', must be a known"),
    "a letter cut off": (
        BODY.encode()[: BODY.encode().index(b"\xbc")],
        "p.xml, line 2 == a letter that is cut off",
    ),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_a_wrong_encoding_is_told_with_what_helps(tmp_path: Path, case: str) -> None:
    data, wanted = ENCODINGS[case]
    assert wanted in refusal(written(tmp_path, data, "p.xml"))


def test_the_setting_outweighs_what_a_file_declares(tmp_path: Path) -> None:
    path = written(tmp_path, declared("utf-16").encode(), "p.xml")
    assert [row[1] for row in rows(path, "title", encoding="utf-8")] == ["Küche", "Bett"]
    path = written(tmp_path, declared("ISO-8859-1").encode(), "q.xml")
    assert rows(path, "title", encoding="ISO-8859-1")[0][1] == "KÃ¼che"


def test_gzip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    data = gzip.compress(BODY.encode() * 40)[:-30]
    assert "p.xml.gz == unreadable (" in refusal(written(tmp_path, data, "p.xml.gz"))


def test_memory_does_not_grow_with_what_is_not_asked_for(tmp_path: Path) -> None:
    item = f"<item><id>{{}}</id><description>{'soft ' * 800}</description></item>\n"
    with (tmp_path / "large.xml").open("w") as file:
        file.write("<rss><channel>")
        file.writelines(item.format(number) for number in range(5_000))
        file.write("</channel></rss>")
    assert (tmp_path / "large.xml").stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        assert len(rows(tmp_path / "large.xml", "id")) == 5_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
