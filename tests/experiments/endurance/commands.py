"""The four commands that take long, as small as can be, and what of their folders must last."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from tests.experiments.cqsid_runs import cqsid_toml
from tests.experiments.endurance.nursery import End, Nursery, Order
from tests.experiments.idsbench.test_run import BENCH
from tests.experiments.rewardlab.reward_runs import lab_toml
from tests.experiments.small_runs import SMALL

_TINY = (
    *("catalog.items=120", "queries.intents=60", "shoppers.count=150"),
    *("world.days=1", "truth.seeds=1", "truth.headroom=0", "truth.retrained=[]"),
)
_BENCH = (*_TINY, "ids_bench.seeds=1", "ids_bench.test_requests=20")
_LAB = (
    *(*_TINY, "reward_lab.seeds=1", "reward_lab.test_requests=20"),
    *("reward_lab.alignment.steps=3", "reward_lab.alignment.held_out=10"),
)
COMMANDS = ("run", "attribute", "ids", "rewards")
RECORDS = {
    "run": ("metrics.json", "truth.json", "attribution.json", "report.html"),
    "attribute": ("metrics.json", "truth.json", "attribution.json", "report.html"),
    "ids": ("ids.json", "ids.html"),
    "rewards": ("rewards.json", "rewards.html"),
}

_TIMED = ("seconds", "_s", "peak_memory_mb")  # how keys end that tell what a moment took
_OF_THE_MOMENT = {"cached", "command", "created"}  # of the manifest
_PAGES = {".html"}  # tell the manifest's times; drawn from the records, which are compared
_LEFT = ("*.partial", "*.unfinished", ".*.partial", ".*.new")


@dataclass(frozen=True)
class Whole:
    """A command that nothing disturbed.

    Attributes:
        words: of the command for a folder.
        before: the folder as it was before, where the command needs one.
        folder: as it was afterwards.
        end: how the command ended.
    """

    words: Callable[[Path], list[str]]
    before: Path | None
    folder: Path
    end: End

    def begin(self, folder: Path) -> Path:
        """A folder in which the command has not begun."""
        shutil.rmtree(folder, ignore_errors=True)
        if self.before is not None:
            shutil.copytree(self.before, folder, symlinks=True)
        return folder


class Commands:
    """The commands, each carried out once, when it is first asked for.

    Args:
        place: a folder for theirs.
    """

    def __init__(self, nursery: Nursery, place: Path) -> None:
        self.nursery = nursery
        self._place = place
        self._found: dict[str, Whole] = {}
        own = {name: place / f"of-{name}" for name in ("ids", "rewards")}
        for folder in own.values():
            folder.mkdir()
        self._settings = {"run": SMALL}
        self._settings["ids"] = cqsid_toml(own["ids"], BENCH)
        self._settings["rewards"] = lab_toml(own["rewards"])

    def whole(self, name: str) -> Whole:
        """What the command makes undisturbed."""
        if name not in self._found:
            before = self.whole("run").folder if name == "attribute" else None
            folder = self._place / name
            if before is not None:
                shutil.copytree(before, folder, symlinks=True)
            end, told = self.carry_out(self._words(name, folder))
            assert end.status == 0, told
            self._found[name] = Whole(lambda out: self._words(name, out), before, folder, end)
        return self._found[name]

    def carry_out(
        self, words: list[str], operation: int | None = None, seconds: float | None = None
    ) -> tuple[End, str]:
        """How a command ended, and what it said."""
        said = self._place / "said"
        said.unlink(missing_ok=True)
        end = self.nursery.carry_out(Order(words, str(said), operation, seconds))
        return end, said.read_text() if said.exists() else ""

    def _words(self, name: str, folder: Path) -> list[str]:
        if name == "attribute":
            return ["attribute", str(folder), "--set", "attribution.seeds=1"]
        words, overrides = {
            "run": (["run"], _TINY),
            "ids": (["ids", "bench"], _BENCH),
            "rewards": (["rewards"], _LAB),
        }[name]
        sets = [word for each in overrides for word in ("--set", each)]
        return [*words, str(self._settings[name]), "--out", str(folder), *sets]


def leftovers(folder: Path) -> list[str]:
    """What a killed command left behind, and nobody cleared away."""
    found = {path for pattern in _LEFT for path in folder.rglob(pattern)}
    return sorted(str(path.relative_to(folder)) for path in found)


def lasting(folder: Path) -> dict[str, Any]:
    """By path, all of a folder that depends on settings and seeds, not on the moment."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file() and path.suffix not in _PAGES:
            found[name] = _content(path)
    return found


def _content(path: Path) -> Any:
    if path.name == "stage.json":
        record = json.loads(path.read_text())
        return [record["name"], record["key"], record["rows"], sorted(record["files"])]
    if path.suffix == ".json":
        return _untimed(json.loads(path.read_text()))
    if path.suffix == ".safetensors":
        with safe_open(path, framework="np") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        told = {name: _untimed(_read(text)) for name, text in metadata.items()}
        return told, {name: _digest(each.tobytes()) for name, each in arrays.items()}
    return _digest(path.read_bytes())


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _untimed(told: Any) -> Any:
    """Without what tells of the moment; a dictionary may be a list of pairs in a saved object."""
    if isinstance(told, dict):
        return {key: _untimed(each) for key, each in told.items() if not _is_of_moment(key)}
    if isinstance(told, list):
        pairs = [each for each in told if not (_is_pair(each) and _is_of_moment(each[0]))]
        return [_untimed(each) for each in pairs]
    return told


def _is_pair(told: Any) -> bool:
    return isinstance(told, list) and len(told) == 2 and isinstance(told[0], str)


def _is_of_moment(key: str) -> bool:
    return key.endswith(_TIMED) or key in _OF_THE_MOMENT
