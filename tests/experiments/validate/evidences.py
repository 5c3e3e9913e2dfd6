"""The logs of a small run, as they are or with one thing spoiled."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.records.validity import Check, Verdict
from experiments.validate.evidence import Evidence, open_logs
from experiments.validate.opening import of_run
from tests.experiments.small_runs import stage

Change = Callable[[pd.DataFrame], pd.DataFrame | None]
"""Changes a table in place, or returns another one."""


def log_of(run: Path, name: str) -> Path:
    """The log of a run's stage."""
    return stage(run, name) / "log"


def spoiled(log: Path, folder: Path, table: str, change: Change, *, counted: bool = True) -> Path:
    """A copy of a log with one table changed; its manifest counts the rows anew if `counted`."""
    shutil.copytree(log, folder)
    shards = sorted((folder / table).glob("*.parquet"))
    old = pa.concat_tables([pq.read_table(shard) for shard in shards])
    rows = old.to_pandas().reset_index(drop=True)
    for name in rows.columns[rows.dtypes == "category"]:
        rows[name] = rows[name].astype(object)
    changed = change(rows)
    rows = rows if changed is None else changed
    for shard in shards:
        shard.unlink()
    new = pa.Table.from_pandas(rows, schema=old.schema, preserve_index=False)
    pq.write_table(new, folder / table / "part-00000.parquet")
    if counted:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["rows"][table] = len(rows)
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@contextmanager
def evidence(
    run: Path, *, history: Path | None = None, experiment: Path | None = None
) -> Iterator[Evidence]:
    """What a run is judged by, with other logs in the place of its own."""
    before, during = history or log_of(run, "history"), experiment or log_of(run, "experiment")
    with of_run(run) as found, open_logs(before, during, found.control) as (first, second):
        yield replace(found, history=first, experiment=second)


def ended(checks: list[Check], verdict: Verdict) -> set[tuple[str, str]]:
    """Period and fact of the checks that ended so."""
    return {(check.period, check.fact) for check in checks if check.verdict is verdict}
