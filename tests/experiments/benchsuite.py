"""What holds for every bench by the command: identifier schemes, rewards.

A test module states its `Bench`, gives the fixtures `settings` (its configuration file), `finished`
(the folder of a bench that tests only read) and `copy` (one that they may spoil), and derives a
test class from `BenchSuite`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import run_command
from tests.experiments.small_runs import content, read


@dataclass(frozen=True)
class Bench:
    """A bench of the command.

    Attributes:
        command: the words that start it.
        name: of its record and of its page.
        shown: what its page and the terminal name.
        timed: how the keys end that tell how long something took.
        some: patterns of a few finished stages.
        many: patterns of as many as keep two processes busy.
        refused: settings that cannot be benched, each with what is said of them.
        overrides: settings that all its runs share.
    """

    command: tuple[str, ...]
    name: str
    shown: str
    timed: str
    some: tuple[str, ...]
    many: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...] = ()

    def words(self, settings: Path, out: Path, *overrides: str) -> list[str]:
        options = [word for each in (*self.overrides, *overrides) for word in ("--set", each)]
        return [*self.command, str(settings), "--out", str(out), *options]

    def record(self, folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = read(folder, self.name)
        return found

    def untimed(self, folder: Path) -> Any:
        """The record but for how long it took."""

        def strip(told: Any) -> Any:
            if isinstance(told, dict):
                kept = {key: each for key, each in told.items() if not key.endswith(self.timed)}
                return {key: strip(each) for key, each in kept.items()}
            return [strip(each) for each in told] if isinstance(told, list) else told

        return strip(self.record(folder))


def made(folder: Path) -> set[str]:
    """The stages that the latest run made itself."""
    return {one["name"] for one in read(folder, "manifest")["stages"] if not one["cached"]}


def drop(folder: Path, *patterns: str) -> set[str]:
    """Delete stages; returns their names."""
    found = [stage for pattern in patterns for stage in (folder / "stages").glob(pattern)]
    for stage in found:
        shutil.rmtree(stage)
    return {stage.name.rpartition("-")[0] for stage in found}


class BenchSuite:
    """The claims; a subclass says of which bench."""

    bench: Bench

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "refusal" in metafunc.fixturenames:
            metafunc.parametrize("refusal", self.bench.refused, ids=str)

    def test_what_is_found_is_recorded_shown_and_printed_and_kept(
        self, settings: Path, finished: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bench, page = self.bench, finished / f"{self.bench.name}.html"
        assert bench.shown in page.read_text()
        assert run_command([*bench.words(settings, finished), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told[bench.name] == bench.record(finished)
        assert told["report"] == str(page)
        assert run_command(bench.words(settings, finished)) == 0
        assert bench.shown in capsys.readouterr().out
        assert not made(finished)

    def test_it_goes_on_from_its_finished_stages_to_the_same_record(
        self, settings: Path, finished: Path, copy: Path
    ) -> None:
        gone = drop(copy, *self.bench.some)
        assert run_command(self.bench.words(settings, copy)) == 0
        assert made(copy) == gone
        assert self.bench.untimed(copy) == self.bench.untimed(finished)

    @pytest.mark.slow
    def test_two_processes_give_the_same_record(
        self, settings: Path, finished: Path, copy: Path
    ) -> None:
        gone = drop(copy, *self.bench.many)
        assert run_command(self.bench.words(settings, copy, "execution.processes=2")) == 0
        assert made(copy) == gone
        assert self.bench.untimed(copy) == self.bench.untimed(finished)

    def test_what_cannot_be_benched_is_one_message_and_nothing_is_lost(
        self,
        settings: Path,
        copy: Path,
        capsys: pytest.CaptureFixture[str],
        refusal: tuple[str, str],
    ) -> None:
        (override, wanted), before = refusal, content(copy)
        words = [*self.bench.words(settings, copy, override), "--overwrite"]
        assert run_command(words) == 2
        self._told_once(wanted, capsys)
        assert before.items() <= content(copy).items()

    def test_a_finished_bench_is_not_replaced_by_one_of_other_settings(
        self, settings: Path, copy: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = content(copy)
        assert run_command(self.bench.words(settings, copy, "seed=6")) == 2
        self._told_once("finished run with other settings (seed == 5, now 6)", capsys)
        assert before.items() <= content(copy).items()

    def _told_once(self, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
        output = capsys.readouterr()
        assert wanted in output.err
        assert output.out == ""
        assert "Traceback" not in output.err
