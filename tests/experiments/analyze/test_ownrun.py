"""A simulated run's scorecard has the estimates of its metrics.json."""

from pathlib import Path

import pytest

from experiments.analyze.ownrun import scorecard_of_run
from experiments.cli import run_command
from experiments.config.loading import load_config
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record
from simulator.errors import ConfigError, StoreError
from tests.experiments.small_runs import PLAIN, SMALL, made_once, run, small_config


@pytest.fixture(scope="module")
def finished(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = ("truth.seeds=0", "world.days=4", "analysis.guardrails={latency=0.5,orders=0.2}")
    config = small_config(*settings)
    made = lambda at: run(config, at / "run", like=small_run)  # noqa: E731
    return made_once(tmp_path_factory, "carded", made)


def test_every_estimate_of_the_run_is_in_its_scorecard(finished: Path) -> None:
    metrics, card = read_record(Metrics, finished), scorecard_of_run(finished)
    rows = {(row.metric, row.method): row for row in card.rows}
    assert len(metrics.estimates) > 20
    for row in metrics.estimates:
        mine = rows[row.metric, "CUPED" if row.cuped else "plain"]
        for one, other in zip(mine.effect.numbers, row.effect.numbers, strict=True):
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12)
        assert mine.p_value == pytest.approx(row.p_value, rel=1e-7)


def test_looks_are_the_daily_effects_of_the_run(finished: Path) -> None:
    daily = {(row.metric, row.day): row for row in read_record(Metrics, finished).daily}
    series = {each.metric: each.looks for each in scorecard_of_run(finished).looks}
    assert set(series) == {"gmv", "orders", "latency"}
    assert [look.time for look in series["orders"]] == [1, 2, 3, 4]
    for metric in ("gmv", "orders"):
        for look in series[metric]:
            row = daily[metric, int(look.time) + 1]  # after two days of history
            for mine, own in zip(look.effect.numbers, row.effect.numbers, strict=True):
                assert mine == pytest.approx(own, rel=1e-9)


def test_the_runs_own_settings_say_what_metrics_are_for(finished: Path) -> None:
    card = scorecard_of_run(finished)
    roles = {each.name: each.role for each in card.metrics if each.role != "secondary"}
    assert roles == {"gmv": "primary", "latency": "guardrail", "orders": "guardrail"}
    assert card.metric("latency").better == "less"
    assert {row.by for row in card.segments} == {"device"}
    assert any(vote.part == "guardrails" for vote in card.verdicts[0].votes)


def test_the_command_takes_a_run(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["analyze", str(finished), "--out", str(tmp_path / "card")]) == 0
    assert "dense against control" in capsys.readouterr().out
    assert (tmp_path / "card" / "scorecard.html").is_file()
    assert run_command(["analyze", str(finished), "--unit", "shopper"]) == 2
    assert "unit == given, must not be with a finished run" in capsys.readouterr().err


def test_other_designs_and_unfinished_runs_are_refused(finished: Path, tmp_path: Path) -> None:
    other = small_config("truth.seeds=0", "design.type=session")
    folder = run(other, tmp_path / "run", like=finished)
    with pytest.raises(ConfigError, match=r"design == session, must be a split of shoppers"):
        scorecard_of_run(folder)
    with pytest.raises(StoreError, match="no finished run"):
        scorecard_of_run(tmp_path)


def test_guardrails_of_unknown_metrics_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"analysis.guardrails.latencies == 0.1, must be for"):
        load_config(SMALL, [*PLAIN, "analysis.guardrails={latencies=0.1}"])
