"""Logs that tell where the arms' pages differ."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.experiments.inference.logs import write_log, write_table
from tests.experiments.inference.parity import read


def watched_log(
    folder: Path, differs: float = 0.2, *, spread: bool = True, **options: object
) -> Path:
    """A log in whose requests, whatever their arm, pages differ with some chance.

    Requests of a session come a minute after each other. With `spread` the chance hangs on the
    text, so that some shoppers have it more than others.
    """
    log = write_log(folder, **options)  # type: ignore[arg-type]
    asked = read(log, "requests")
    asked["at"] = asked["at"] + 60.0 * asked["page"]
    write_again(log, "requests", asked)
    rng = np.random.default_rng(9)
    chance = differs * np.array([0.5, 1.0, 1.5])[asked["text"]]
    told = {"request": asked["request"].to_numpy(), "differs": rng.random(len(asked)) < chance}
    write_table(log / "triggers", told)
    return log


def write_again(log: Path, name: str, rows: pd.DataFrame) -> None:
    """These rows in the place of a table's."""
    for shard in (log / name).glob("*.parquet"):
        shard.unlink()
    columns = {each: rows[each].to_numpy() for each in rows.columns}
    write_table(log / name, columns)
    manifest = json.loads((log / "manifest.json").read_text())
    manifest["rows"][name] = len(rows)
    (log / "manifest.json").write_text(json.dumps(manifest))


def labelled(log: Path, key: str) -> pd.DataFrame:
    """Every request with its part, by plain Python: 0 never, 1 before the trigger, 2 since."""
    asked = read(log, "requests").merge(read(log, "triggers"), on="request")
    asked = asked.sort_values(["at", "request"])
    part, starts, since = [], [], set[int]()
    ever = set(asked.loc[asked["differs"], key])
    begun = set[int]()
    for unit, differs in asked[[key, "differs"]].to_numpy():
        first = differs and unit not in since
        since |= {unit} if differs else set()
        part.append(2 if unit in since else 1 if unit in ever else 0)
        starts.append(bool(first) if unit in ever else unit not in begun)
        begun.add(unit)
    return asked.assign(part=part, starts=starts)
