"""Logs that are not as they were written are refused, or read: never a traceback."""

import json
import math
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.inference.analysis import analyse
from experiments.inference.own.samplelog import ARMS, write_sample_log
from recall.sampleshop import sample_catalog
from simulator.errors import ConfigError, DataError
from simulator.log.history import load_history

CATALOG = sample_catalog()
TABLES = ("assignments", "requests", "sessions", "exposures", "orders", "candidates", "texts")
ODD_JSON = (None, 3, "x", [], {}, [1], ["a", "a"], [None], "[" * 5_000, {"arms": 1}, 1e400)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_log(tmp_path_factory.mktemp("whole") / "log", CATALOG, 60)


def spoil(log: Path, luck: random.Random) -> None:
    """Change something in a log."""
    path = log / luck.choice(TABLES) / "part-00000.parquet"
    match luck.randrange(9):
        case 0:
            raw = bytearray(path.read_bytes())
            for _ in range(luck.choice((1, 3, 50))):
                raw[luck.randrange(len(raw))] ^= 1 << luck.randrange(8)
            path.write_bytes(bytes(raw))
        case 1:
            raw = path.read_bytes()
            path.write_bytes(raw[: luck.randrange(len(raw))])
        case 2:
            path.unlink()
        case 3:
            shutil.rmtree(path.parent)
        case 4:
            table = pq.read_table(path)
            pq.write_table(table.drop_columns([luck.choice(table.column_names)]), path)
        case 5:
            table = pq.read_table(path)
            name = luck.choice(table.column_names)
            odd = luck.choice((pa.string(), pa.float64(), pa.null(), pa.list_(pa.int8())))
            at = table.column_names.index(name)
            pq.write_table(table.set_column(at, name, pa.nulls(table.num_rows, odd)), path)
        case 6:
            manifest = json.loads((log / "manifest.json").read_text())
            manifest[luck.choice(("channels", "arms", "faults"))] = luck.choice(ODD_JSON)
            (log / "manifest.json").write_text(json.dumps(manifest))
        case 7:
            text = (log / "manifest.json").read_text()
            at = luck.randrange(len(text))
            (log / "manifest.json").write_text(
                text[:at] + luck.choice("[]{}\\0,:x") + text[at + 1 :]
            )
        case 8:
            path.write_bytes(luck.choice((b"", b"PAR1", b"PAR1PAR1", b"\\x00" * 100)))


def read(log: Path) -> str:
    """What comes of reading it for models and for an analysis."""
    told = []
    for reading in (
        lambda: load_history(log),
        lambda: analyse(log, log, name="x", arms=dict.fromkeys(ARMS, 0.5), control=ARMS[0]),
    ):
        try:
            found = reading()
        except DataError as error:
            told.append("refused" if str(error).strip() else "refused without a word")
        except ConfigError:
            told.append("refused")  # arms that are not those of the settings
        else:
            told.append("read")
            if told[-1] == "read" and hasattr(found, "estimates"):
                assert all(math.isfinite(number) for number in numbers(found.estimates))
    return ", ".join(told)


def numbers(rows: Any) -> Iterator[float]:
    for row in rows:
        known = (
            row.control,
            row.treatment,
            *row.effect.numbers,
            *row.relative.numbers,
            row.p_value,
        )
        yield from (number for number in known if number is not None)


def cases(whole: Path, folder: Path, count: int, seed: int) -> Counter[str]:
    luck, found = random.Random(seed), Counter[str]()
    for number in range(count):
        log = Path(shutil.copytree(whole, folder / f"log{number}"))
        spoil(log, luck)
        found[read(log)] += 1
        shutil.rmtree(log)
    return found


def test_a_whole_log_is_read(whole: Path) -> None:
    assert read(whole) == "read, read"


def test_some_spoiled_logs_break_nothing(whole: Path, tmp_path: Path) -> None:
    found = cases(whole, tmp_path, 60, 1)
    assert sum(n for told, n in found.items() if "refused" in told) > 30
    assert "refused without a word" not in " ".join(found)


@pytest.mark.slow
def test_many_spoiled_logs_break_nothing(whole: Path, tmp_path: Path) -> None:
    assert cases(whole, tmp_path, 10_000, 2).total() == 10_000
