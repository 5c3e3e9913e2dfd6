"""kill -9, again and again, at whatever moment: the command that is let through ends as if nothing
had been.

200 kills over the four commands that take long. Half of them come just before an operation on
files, of which every one has the same chance; half after some time of the processor.
"""

import signal
from pathlib import Path
from random import Random

import pytest

from experiments.stages.folder import RunFolder
from tests.experiments.endurance.commands import COMMANDS, RECORDS, Commands, lasting, leftovers

pytestmark = pytest.mark.slow

PIECES = 10  # of each command
KILLS = 5  # of each piece
_IN_A_ROW = 5  # at most, before the command is let through


def finished_stages_are_whole(folder: Path) -> bool:
    """Whether whatever lies in the store as a finished stage is as it was written."""
    for path in folder.glob("stages/*-*"):
        name, _, key = path.name.rpartition("-")
        if path.is_dir() and path.suffix not in (".partial", ".unfinished"):
            damage = RunFolder(folder).stage(name, key).damage()
            assert damage is None, f"{path}: {damage}"
    return True


@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_any_moment_ends_with_the_same_bytes(
    commands: Commands, tmp_path: Path, name: str, piece: int
) -> None:
    whole, luck, killed = commands.whole(name), Random(f"{name} {piece}"), 0
    while killed < KILLS:
        folder, moments = whole.begin(tmp_path / "run"), []
        for _ in range(min(luck.randint(1, _IN_A_ROW), KILLS - killed)):
            moment: dict[str, float] = (
                {"operation": luck.randint(1, whole.end.operations)}
                if luck.random() < 0.5
                else {"seconds": luck.uniform(0, whole.end.seconds)}
            )
            end, told = commands.carry_out(whole.words(folder), **moment)  # type: ignore[arg-type]
            moments.append(moment)
            assert "Traceback" not in told, (moments, told)
            if end.status == 0:  # it was done before that moment
                break
            assert end.status == -signal.SIGKILL, (moments, told)
            assert finished_stages_are_whole(folder), moments
            killed += 1
        end, told = commands.carry_out(whole.words(folder))
        assert end.status == 0, (moments, told)
        assert "damaged" not in told, (moments, told)
        assert lasting(folder) == lasting(whole.folder), moments
        assert {each for each in RECORDS[name] if (folder / each).is_file()} == set(RECORDS[name])
        assert leftovers(folder) == [], moments
        with RunFolder(folder):  # nobody holds it
            pass
