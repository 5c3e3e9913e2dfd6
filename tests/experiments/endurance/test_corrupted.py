"""Spoiled stages of a finished run are reported and made again to the same bytes, or refused.

300 spoils of stages of all four commands that take long: of every file in turn, the stage's own
record too, in one of nine ways. Each is put before what decides on reuse. A sample goes through the
whole command.
"""

import json
import shutil
from itertools import cycle, islice
from pathlib import Path
from random import Random

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from tests.experiments.endurance.commands import COMMANDS, Commands, Whole, lasting, leftovers
from tests.experiments.endurance.spoiling import SPOILS

pytestmark = pytest.mark.slow

CASES = 75  # of each command
SAMPLE = 5  # whole commands of each

# What `attribute` does not make: it tells what to do instead.
_OF_THE_RUN = ("catalogue", "history", "experiment")


class Told(NoProgress):
    """Remembers which stages were reported."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def damaged(self, name: str, damage: str) -> None:
        self.lost.append(f"{name}: {damage}")


def stage_files(folder: Path) -> list[Path]:
    """Every file of every stage, a path from the run folder."""
    files = [path for path in (folder / "stages").glob("*/**/*") if path.is_file()]
    return sorted(path.relative_to(folder) for path in files)


def spoiled(folder: Path, file: Path, luck: Random) -> tuple[str, list[Path]]:
    """Spoil a file in a way in which it can be; returns how, and the stages that are touched."""
    for way in luck.sample(SPOILS, len(SPOILS)):
        touched = way(folder / file, luck)
        if touched:
            return way.__name__, touched
    raise AssertionError(f"{file} cannot be spoiled")


def says_the_same(folder: Path, whole: Path, file: Path, how: str) -> bool:
    """Harmless: a blank of a record that became another blank. Its words are what is sealed."""
    try:
        return bool(
            file.name == "stage.json"
            and how in ("flip", "extend")
            and json.loads((folder / file).read_text()) == json.loads((whole / file).read_text())
        )
    except (OSError, ValueError):
        return False


def stage_of(file: Path) -> tuple[str, str]:
    """Name and key."""
    name, _, key = file.parts[1].rpartition("-")
    return name, key


def restore(folder: Path, whole: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder, symlinks=True)


def test_no_spoiled_stage_is_used_in_silence(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = 0
    for name in COMMANDS:
        whole, folder, luck = commands.whole(name).folder, tmp_path / name, Random(name)
        files, touched = stage_files(whole), list[Path]()
        luck.shuffle(files)
        shutil.copytree(whole, folder, symlinks=True)
        for file in islice(cycle(files), CASES):
            for each in touched:
                restore(each, whole / "stages" / each.name)
            (how, touched), (stage, key) = spoiled(folder, file, luck), stage_of(file)
            if says_the_same(folder, whole, file, how):
                harmless += 1
                continue
            told = Told()
            monkeypatch.setattr("experiments.stages.maker.stage_key", lambda *_, k=key, **__: k)
            with RunFolder(folder) as run:
                maker = Maker(run, ExecutionSpec(processes=1), told)
                found = maker.stage(stage, None, task=restore, inputs=[])
            assert len(told.lost) == 1, (name, file, how)
            assert told.lost[0].startswith(f"{stage}: "), (name, file, how)
            assert not found.present, (name, file, how)
    assert harmless <= 3


@pytest.mark.parametrize("case", range(SAMPLE))
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_makes_spoiled_stages_again_to_the_same_bytes(
    commands: Commands, tmp_path: Path, name: str, case: int
) -> None:
    whole, luck, folder = commands.whole(name), Random(f"{name} {case}"), tmp_path / "run"
    restore(folder, whole.folder)
    file = luck.choice(files_of_use(name, whole))
    how, _ = spoiled(folder, file, luck)
    before, names = every_byte(folder), spoiled_stages(folder, whole.folder)
    same = says_the_same(folder, whole.folder, file, how)
    end, told = commands.carry_out(whole.words(folder))
    assert "Traceback" not in told, (file, how, told)
    if name == "attribute" and names & set(_OF_THE_RUN):
        assert end.status == 2, (file, how, told)
        assert "must be as it was written: run the command that made it again" in told
        assert every_byte(folder) == before
        return
    assert end.status == 0, (file, how, told)
    if not same:
        asked = {stage_of(each)[0] for each in files_of_use(name, whole)}
        for each in names & asked:
            assert f"{each}: damaged in the store" in told, (file, how, told)
    assert lasting(folder) == lasting(whole.folder), (file, how)
    assert leftovers(folder) == []


def spoiled_stages(folder: Path, whole: Path) -> set[str]:
    """The stages that differ from those of the undisturbed folder."""
    now, then = (every_byte(each / "stages") for each in (folder, whole))
    changed = [file for file in now.keys() | then.keys() if now.get(file) != then.get(file)]
    return {stage_of(Path("stages") / file)[0] for file in changed}


def files_of_use(name: str, whole: Whole) -> list[Path]:
    """Files of stages that the command asks for."""
    files = stage_files(whole.folder)
    if name != "attribute":
        return files
    assert whole.before is not None  # of the run's own, attribution asks for those below its worlds
    own = {stage_of(file) for file in files} - {stage_of(f) for f in stage_files(whole.before)}
    asked = (*_OF_THE_RUN, "channel-", "ranker")
    return [file for file in files if stage_of(file) in own or stage_of(file)[0].startswith(asked)]


def every_byte(folder: Path) -> dict[str, bytes]:
    """All files as they are."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
