"""What lasts of an effect is told beside the experiment before, metric by metric."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.analyze.run import analyze, analyze_log, log_spec
from experiments.records.experiment.scorecard import Scorecard
from experiments.report.scorecard.page import render
from simulator.errors import FunnelabError

UNITS = 4_000


def table(arms: dict[str, float], seed: int) -> pd.DataFrame:
    """Units with orders whose mean each arm moves."""
    rng = np.random.default_rng(seed)
    arm_U = rng.choice(list(arms), UNITS)
    mean_U = np.array([arms[arm] for arm in arm_U])
    return pd.DataFrame(
        {
            "customer": np.arange(UNITS),
            "arm": arm_U,
            "orders": rng.poisson(mean_U).astype(float),
            "views": rng.poisson(20.0, UNITS).astype(float),
        }
    )


ORDERS = {"name": "orders", "value": "orders", "role": "primary"}
VIEWS = {"name": "views", "value": "views", "role": "success"}


def carded(frame: pd.DataFrame, *metrics: dict[str, Any], **settings: Any) -> Scorecard:
    common = {"rows": "units", "unit": "customer"}
    return analyze(frame, metrics=metrics or (ORDERS,), **(common | settings))


def tried(folder: Path, arms: dict[str, float]) -> str:
    """The scorecard of an experiment, in a file."""
    table(arms, 1).to_parquet(folder / "tested.parquet")
    settings = {
        "path": str(folder / "tested.parquet"),
        "rows": "units",
        "unit": "customer",
        "control": "old",
        "metrics": [ORDERS],
    }
    analyze_log(log_spec(settings, "a test"), folder / "tested")
    return str(folder / "tested" / "scorecard.json")


def test_effects_since_the_launch_stand_beside_those_of_the_experiment(tmp_path: Path) -> None:
    """A lift of 0.5 orders of which 0.2 are left."""
    after = tried(tmp_path, {"old": 2.0, "new": 2.5})
    since = table({"held": 2.0, "have": 2.2}, 2)
    card = carded(since, ORDERS, VIEWS, control="held", after=after)
    (row,) = card.lasting
    assert (row.metric, row.contrast, row.note) == ("orders", ("held", "have"), "")
    plain = card.deciding("orders", ("held", "have"))
    assert row.lasting == plain.effect
    assert row.change.estimate == pytest.approx(
        (row.lasting.estimate or 0) - (row.tested.estimate or 0)
    )
    assert row.change.holds(-0.3)
    assert not row.change.holds(0.0)
    before = table({"old": 2.0, "new": 2.5}, 1)
    halves = [
        frame[frame["arm"] == arm]["orders"]
        for frame, arms in ((since, ("held", "have")), (before, ("old", "new")))
        for arm in arms
    ]
    error = np.sqrt(sum(half.var() / len(half) for half in halves))
    z = row.change.estimate / error
    assert row.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=0.05)
    assert "What is left since the launch" in render(card)


def test_without_an_experiment_before_nothing_is_said() -> None:
    card = carded(table({"a": 2.0, "b": 2.0}, 3))
    assert card.lasting == ()
    assert "since the launch" not in render(card)


def test_of_several_treatments_the_launched_one_has_the_same_name(tmp_path: Path) -> None:
    after = tried(tmp_path, {"old": 2.0, "one": 2.5, "two": 3.0})
    since = table({"held": 2.0, "two": 3.0}, 4)
    (row,) = carded(since, control="held", after=after).lasting
    assert row.tested.holds(1.0)
    assert row.change.holds(0.0)
    since["arm"] = since["arm"].replace("two", "have")
    with pytest.raises(FunnelabError, match="must be of one treatment, or of one that is called"):
        carded(since, control="held", after=after)


def test_a_scorecard_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FunnelabError, match=r"other\.json, must be a scorecard\.json"):
        carded(table({"a": 2.0, "b": 2.0}, 3), after=str(tmp_path / "other.json"))
    with pytest.raises(FunnelabError, match=r"scorecard\.json"):
        carded(table({"a": 2.0, "b": 2.0}, 3), after=str(tmp_path / "none" / "scorecard.json"))
