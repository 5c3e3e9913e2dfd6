"""Texts without HTML, entities, control characters and runs of blanks."""

import html
import re

_DROPPED = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)", re.DOTALL | re.I)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]*|/)?>|<!\[CDATA\[|\]\]>|<![a-zA-Z][^<>]*>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLANKS = re.compile(r"[\s\u200b\u2060\ufeff\x00-\x1f\x7f-\x9f]+")
_LAYERS = 3  # of markup that are taken off: some feeds escape what is escaped already


def without_markup(text: str) -> str:
    """A text as a browser would show it: no tags, scripts or comments, entities as characters.

    `<` before anything but a letter, and `&` without a semicolon, stay as they are.
    """
    for _ in range(_LAYERS):
        if "<" in text:
            text = _TAG.sub(" ", _DROPPED.sub(" ", text))
        if "&" not in text:
            break
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def one_line(text: str) -> str:
    """A text whose runs of blanks, line ends and control characters are single spaces."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _BLANKS.sub(" ", text).strip()
