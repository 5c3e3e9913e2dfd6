"""Settings of how a file is written, where the file itself does not tell it."""

import codecs
from typing import Final, Literal

from pydantic import Field, field_validator

from simulator.spec import Spec

AUTO: Final = "auto"
DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class FormatSpec(Spec):
    """How a file is written. What is `auto` is told from the file, or asked for."""

    delimiter: str = Field(
        AUTO,
        description="what parts the cells of CSV: one character, `tab`, or `auto`: the one of "
        "comma, semicolon, tab and | under which the rows have as many cells as the header",
    )
    header: bool = Field(
        True, description="whether the first line names the columns; otherwise they are 1, 2, ..."
    )
    quotes: Literal["auto", "trust", "literal"] = Field(
        AUTO,
        description="quotes in CSV. `auto`: they hold texts together, and one that seems to "
        "swallow rows is refused; `trust`: what they hold is never doubted; `literal`: plain "
        "characters",
    )
    encoding: str = Field(
        AUTO, description="name of the encoding, such as windows-1252; `auto`: UTF-8 or UTF-16"
    )
    decimal: Literal["auto", ".", ","] = Field(
        AUTO, description="what stands before the decimals of a number; `auto`: as the column tells"
    )
    times: Literal["auto", "dates", "simulated", "unix_s", "unix_ms", "unix_us"] = Field(
        AUTO,
        description="what a moment is: a date, simulated seconds, or Unix time in s, ms or us",
    )
    records: str = Field(
        "",
        description="where the records are, '': found. JSON: path of their list, such as "
        "data.products; XML: path of their element below the root, such as channel.item",
    )
    lists: Literal["refuse", "path", "first", "commas"] = Field(
        "refuse",
        description="a list as a category: refused, levels of one path, or alternatives of which "
        "the first counts; with `commas`, the first of a text whose alternatives commas part",
    )
    markup: Literal["strip", "keep"] = Field(
        "strip", description="HTML tags and entities in titles, descriptions and names"
    )

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        known = DELIMITERS.get(value, value)
        if value != AUTO and (len(known) != 1 or known.isalnum() or known in '"\r\n\0'):
            names = ", ".join(map(repr, (AUTO, *DELIMITERS)))
            raise ValueError(f"must be {names} or one character that parts cells")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            if value != AUTO:
                codecs.lookup(value)
                "a".encode(value)
        except (LookupError, UnicodeError, ValueError) as error:
            raise ValueError(
                "must be auto or the name of a text encoding, such as windows-1252 or shift_jis"
            ) from error
        return value
