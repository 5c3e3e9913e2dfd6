"""Answers of a search service, kept on disk: what was answered once is answered so for ever.

A run that is repeated, and every world of a run, gets the same answers, whatever the service would
say now. Processes may share a file: the first answer to a question counts for all.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import DataError

_WAIT = 60.0  # seconds for another process to finish its writing


@dataclass(frozen=True)
class Answer:
    """What a service said to one question.

    Attributes:
        ids: of its documents, best first.
        scores: of these; () where it tells none.
        late: whether it did not answer in time.
    """

    ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    late: bool = False


class AnswerFile:
    """A file of answers.

    Args:
        path: the file; it is made where there is none.

    Raises:
        DataError: it cannot be written, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self._open()) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS answers "
                "(question TEXT PRIMARY KEY, answer TEXT NOT NULL)"
            )

    def find(self, questions: Sequence[str]) -> dict[str, Answer]:
        """The answers to those of some questions that are known."""
        with closing(self._open()) as connection:
            return self._read(connection, questions)

    def keep(self, answers: dict[str, Answer]) -> dict[str, Answer]:
        """Keep answers; returns what counts: an answer that another process kept first stays."""
        with closing(self._open()) as connection:
            with connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO answers VALUES (?, ?)",
                    [
                        (question, json.dumps([each.ids, each.scores, each.late]))
                        for question, each in answers.items()
                    ],
                )
            return self._read(connection, list(answers))

    def _read(self, connection: sqlite3.Connection, questions: Sequence[str]) -> dict[str, Answer]:
        found = {}
        for question in questions:
            row = connection.execute(
                "SELECT answer FROM answers WHERE question = ?", (question,)
            ).fetchone()
            if row is not None:
                ids, scores, late = json.loads(row[0])
                found[question] = Answer(tuple(ids), tuple(scores), late)
        return found

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=_WAIT)
            connection.execute("SELECT count(*) FROM sqlite_master")
            return connection
        except (sqlite3.Error, OSError) as error:
            wanted = "must be a file of answers that can be written"
            raise DataError(f"{self.path} == {error}, {wanted}") from error
