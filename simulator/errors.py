"""One tree of exceptions. Every message gives the place, the value found and the value wanted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches


class FunnelabError(Exception):
    """Anything funnelab refuses to do; the command prints it without a traceback."""


class ConfigError(FunnelabError):
    """A configuration value is unknown, missing, wrongly typed or out of range."""


class DataError(FunnelabError):
    """An input file (catalogue, queries, judgments, log) cannot be used as it is."""


class ContractError(FunnelabError):
    """A channel, ranker, reward or other plug-in does not keep its protocol's contract."""


class PartFailedError(ContractError):
    """A part failed at its work, where nothing could go on without it.

    What is wrong was not seen when settings and parts were tried, so the command had begun.
    """


class StoreError(FunnelabError):
    """A run folder or stage cannot be read or written without losing something."""


class DiskError(StoreError):
    """A folder cannot be written: nothing that is to be stored there can be."""


@contextmanager
def placing(place: str) -> Iterator[None]:
    """Tell in an error which part of the settings it is about."""
    try:
        yield
    except (ContractError, ConfigError, DataError) as error:
        kind = next(k for k in (ContractError, ConfigError, DataError) if isinstance(error, k))
        raise kind(f"{place}: {error}") from error


def printable(text: str) -> str:
    """Text with control characters, but for new lines and tabs, as their codes.

    So what a user's files or code say cannot steer a terminal.
    """
    return "".join(
        char
        if char in "\n\t" or char.isprintable() or (char.isspace() and char >= " ")
        else repr(char)[1:-1]
        for char in text
    )


def closest(word: str, known: Sequence[str]) -> str:
    """The known word most like another, "" where none is near."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.5)), "")
