"""What is wrong with a user's file, told with place, value found and value wanted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import DataError

SHOWN = 5  # findings told of each kind; the last one counts the rest


@dataclass(frozen=True)
class FileFinding:
    """One problem of a file.

    Attributes:
        place: the file and, where it applies, row (1 is the first data row) and id.
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

    def __init__(self, findings: list[FileFinding]):
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


def unusable(place: str, found: str, wanted: str) -> UnusableFile:
    """The error of a single finding; see `FileFinding`."""
    return UnusableFile([FileFinding(place, found, wanted)])


def row_findings(
    file: str,
    column: str,
    bad_I: NDArray[np.bool_],
    found: NDArray[np.object_],
    wanted: str,
    ids: NDArray[np.object_] | None = None,
) -> list[FileFinding]:
    """One finding for each of the first bad rows."""
    rows = np.flatnonzero(bad_I)
    findings = []
    for row in rows[:SHOWN].tolist():
        whose = f", id {_short(ids[row])}" if ids is not None else ""
        place = f"{file}, row {row + 1}{whose}: {column}"
        findings.append(FileFinding(place, _short(found[row]), wanted))
    if len(rows) > SHOWN:
        last = findings[-1]
        more = f"{last.wanted} (and {len(rows) - SHOWN} more rows like this)"
        findings[-1] = FileFinding(last.place, last.found, more)
    return findings


def refuse(findings: list[FileFinding]) -> None:
    """Raise one error with all findings, if there are any."""
    if findings:
        raise UnusableFile(findings)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
