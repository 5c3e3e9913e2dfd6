"""Clicks as preferences: the form in which TRL trains by them.

Of each page a clicked item is preferred to the item above it that was skipped (Joachims,
"Optimizing search engines using clickthrough data", KDD 2002): whoever clicked below has seen it. A
line has `prompt` (what was asked), `chosen` and `rejected` (titles), and beside them the ids of
both items, the arm and the place of the click.
"""

from pathlib import Path

from experiments.notebook.logtables import named_log, text
from experiments.notebook.results import Results
from experiments.running.models import LOG
from simulator.errors import DataError

FILE = "preferences.jsonl"


def write_preferences(results: Results, folder: Path) -> list[Path]:
    """Write a line for each pair; memory does not grow with the log.

    Raises:
        DataError: nobody clicked below an item that was skipped.
    """
    path = folder / FILE
    with named_log(results.folder / LOG, results.catalog) as log:
        shown = f"SELECT * FROM ({log.sql('exposures')})"
        log.connection.execute(
            f"CREATE TEMP TABLE pairs AS SELECT c.request, c.arm, c.position, "
            "c.item_id AS chosen_id, c.title AS chosen, s.item_id AS rejected_id, s.title AS "
            f"rejected FROM ({shown} WHERE clicked) AS c JOIN ({shown} WHERE NOT clicked) AS s "
            "ON s.request = c.request AND s.position = c.position - 1"
        )
        (pairs,) = log.connection.execute("SELECT count(*) FROM pairs").fetchone() or (0,)
        if not pairs:
            raise DataError(
                f"{results.folder / LOG} == no click below a skipped item, must have some"
            )
        asked = f"SELECT request, text FROM ({log.sql('requests')})"
        log.connection.execute(
            "COPY (SELECT text AS prompt, chosen, rejected, chosen_id, rejected_id, arm, position "
            f"FROM pairs JOIN ({asked}) USING (request) ORDER BY request, position) "
            f"TO {text(str(path))} (FORMAT JSON)"
        )
    return [path]
