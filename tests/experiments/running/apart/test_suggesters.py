"""Suggesters of a run learn from the earlier part of the log and are held against the later one."""

from pathlib import Path
from typing import Any

import pytest

from experiments.records.metrics import Model
from experiments.report.run.models import _suggester
from experiments.running.models import LOG, MODEL, load_saved
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.progress import NoProgress
from ranking.examples import split_time
from simulator.errors import ConfigError
from simulator.log.history import load_history
from tests.experiments.small_runs import begun, small_config, stage

MORE = """
[suggesters.popular]
type = "popular"

[suggesters.affinity]
type = "affinity"
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, small_run: Path) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("suggested")
    config = small_config(more=MORE, folder=folder / "config")
    run = begun(folder / "run", small_run)
    with open_run(config, run, NoProgress(), overwrite=False) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        return pipeline.suggesters(catalogue, history, {}), run


def test_what_is_told_is_a_rate_beside_that_of_popular_texts(told) -> None:
    found = told[0]["affinity"]
    for place in ("start", "start_new_texts", "next", "next_new_texts"):
        assert found[f"{place}_moments"] > 0
        rate, low, high = found[f"{place}_hit_rate"]
        assert 0 <= low <= rate <= high <= 1
    assert found["start_new_texts_moments"] <= found["start_moments"]
    popular = told[0]["popular"]
    for name in ("start", "next"):
        assert popular[f"{name}_hit_rate"] == popular[f"{name}_popular"] == found[f"{name}_popular"]


def test_a_suggester_has_not_seen_what_it_is_held_against(told, small_run: Path) -> None:
    config = small_config(more=MORE, folder=told[1].parent / "again")
    log = load_history(stage(small_run, "history") / LOG)
    early = log.before(split_time(log, config.examples))
    (folder,) = (told[1] / "stages").glob("suggester-affinity-early-*")
    suggester: Any = load_saved(folder / MODEL, config)
    asked = {early.texts[text] for text in early.text_R.tolist()}
    assert set(suggester._own.texts) == asked
    assert len(asked) < len({log.texts[text] for text in log.text_R.tolist()})


def test_the_report_shows_the_rates(told) -> None:
    html = str(_suggester(Model("suggester", "affinity", (), told[0]["affinity"])))
    assert "Suggester affinity" in html
    assert "% (" in html


def test_a_suggester_that_asks_what_is_not_there_is_refused(tmp_path: Path) -> None:
    own = '[suggesters.own]\ntype = "custom"\nobject = "mine:Own"\nchannels = ["lexicl"]\n'
    wanted = r"suggesters.own.channels\[0\] == 'lexicl', must be the name of a channel: lexical"
    with pytest.raises(ConfigError, match=wanted):
        small_config(more=own, folder=tmp_path)
