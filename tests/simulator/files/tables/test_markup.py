import pytest

from simulator.files.tables.markup import one_line, without_markup


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p>Red <b>lamp</b></p>", "Red lamp"),
        ('<div class="a"><br/>Red&nbsp;lamp</div>', "Red lamp"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("&lt;p&gt;Red lamp&lt;/p&gt;", "Red lamp"),
        ("&amp;lt;p&amp;gt;Red lamp&amp;lt;/p&amp;gt;", "Red lamp"),
        ("Caf&#233; &#x2014; caf&eacute;", "Café — café"),
        ("<style>p { color: red }</style>Lamp<script>alert(1)</script>", "Lamp"),
        ("<!-- hidden -->Lamp", "Lamp"),
        ("<![CDATA[Lamp]]>", "Lamp"),
        ("Cable <3 m, 5 > 4", "Cable <3 m, 5 > 4"),
        ("R&D A&B &copy", "R&D A&B &copy"),
        ("<strong data-x='1'>Lamp", "Lamp"),
        ("i <3 lamps", "i <3 lamps"),
    ],
)
def test_a_text_is_what_a_browser_shows(text, shown):
    assert one_line(without_markup(text)) == shown


def test_a_text_is_one_line():
    assert one_line(" red\r\n\tlamp\u2028big\u200b\x00 ") == "red lamp big"
