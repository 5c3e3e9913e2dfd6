"""What is wrong with a user's file, told with place, value found and value wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import DataError

SHOWN = 5  # findings told of each kind; the last one counts the rest
_LONGEST = 60  # characters of a value that a finding repeats


@dataclass(frozen=True)
class FileFinding:
    """One problem of a file.

    Attributes:
        place: the file and, where it applies, line (or row) and id; or the setting that is meant.
        found: the value that is there.
        wanted: what must be there instead.
    """

    place: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.place} == {self.found}, must be {self.wanted}"


class UnusableFile(DataError):
    """A file that cannot be used as it is; the message is all findings, a line each."""

    def __init__(self, findings: Sequence[FileFinding]):
        super().__init__("\n".join(map(str, findings)))
        self.findings = list(findings)


def unusable(place: str, found: str, wanted: str) -> UnusableFile:
    """The error of a single finding; see `FileFinding`."""
    return UnusableFile([FileFinding(place, found, wanted)])


def refuse(findings: Sequence[FileFinding]) -> None:
    """Raise one error with all findings, if there are any."""
    if findings:
        raise UnusableFile(findings)


def told(findings: Sequence[FileFinding]) -> list[FileFinding]:
    """The first findings of one kind, the last of which counts the rest."""
    first = list(findings[:SHOWN])
    if len(findings) > SHOWN:
        last = first[-1]
        more = f"{last.wanted} (and {len(findings) - SHOWN} more rows like this)"
        first[-1] = FileFinding(last.place, last.found, more)
    return first


def short(value: object) -> str:
    """A value as a finding repeats it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number or a nesting beyond what Python prints
        return f"a {type(value).__name__} that is too large to print"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
