"""Judges of a run learn from pairs that it bought, and are measured on others."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.notebook.results import open_run
from experiments.running.apart.judges import BOUGHT, MEASURED
from experiments.running.models import LOG, load_saved
from simulator.annotations.pairs import Annotations
from simulator.errors import ConfigError, StoreError
from simulator.log.history import load_history
from tests.experiments.small_runs import run, small_config, stage

MORE = """
[judges.plain]
type = "logistic"

[judges.twin]
permuted = true

[judges.own]
type = "custom"
object = "tests.experiments.plugins:LongTitles"

[annotations]
pairs = 900

[stress.conditions]
positives = 30
most = 3
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, small_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("judges")
    config = small_config(more=MORE, folder=folder / "config")
    return run(config, folder / "run", like=small_run)


def annotations(folder: Path, name: str) -> Annotations:
    found: Annotations = load_saved(stage(folder, "annotations") / name)
    return found


def test_a_judge_is_better_than_its_twin_that_learned_from_other_pairs(judged: Path) -> None:
    rows = open_run(judged).judges.set_index(["judge", "measure"])
    plain, twin = (rows.loc[(name, "auc")] for name in ("plain", "twin"))
    assert plain["value_low"] > 0.6
    assert plain["value_low"] > twin["value_high"]
    assert set(rows.index.get_level_values("measure")) >= {"macro_f1", "f1_0", "f1_3", "accuracy"}


def test_what_is_bought_was_asked_and_what_measures_was_not_bought(
    judged: Path, small_run: Path
) -> None:
    bought, measured = (annotations(judged, name) for name in (BOUGHT, MEASURED))
    log = load_history(stage(small_run, "history") / LOG)
    assert len(bought) == 900
    assert set(bought.text_J.tolist()) <= set(log.text_R.tolist())
    assert not set(bought.text_J.tolist()) & set(measured.text_J.tolist())
    shown = set(zip(log.text_R[log.row_X].tolist(), log.item_X.tolist(), strict=True))
    pairs = list(zip(bought.text_J.tolist(), bought.item_J.tolist(), strict=True))
    assert sum(pair in shown for pair in pairs) == 450


def test_the_page_and_the_stress_set_have_the_judges(judged: Path) -> None:
    assert 'id="judges"' in (judged / "report.html").read_text()
    page = (judged / "report.html").read_text()
    legend = re.search(r'id="stress".*?class="legend"(.*?)</div>', page, re.DOTALL)
    assert legend is not None
    colours = re.findall(r'class="swatch ([^"]+)"', legend[1])
    rows = open_run(judged).stress
    assert len(colours) == len(set(colours)) == rows["scorer"].nunique()
    assert set(rows[rows["kind"] == "judge"]["scorer"]) == {"plain", "twin", "own"}


def test_a_run_without_judges_says_how_to_have_them(small_run: Path) -> None:
    with pytest.raises(StoreError, match=r"no judges.json, .* with judges"):
        _ = open_run(small_run).judges


def test_without_annotations_a_judge_learns_from_clicks(small_run: Path, tmp_path: Path) -> None:
    more = '[judges.clicks]\ntype = "logistic"\n'
    folder = run(small_config(more=more, folder=tmp_path), tmp_path / "run", like=small_run)
    assert len(annotations(folder, BOUGHT)) == 0
    rows = open_run(folder).judges.set_index("measure")
    assert rows.loc["auc", "value"] > 0.55
    assert "learned from clicks" in (folder / "report.html").read_text()


def test_grades_of_other_pairs_are_the_same_grades(judged: Path) -> None:
    bought = annotations(judged, BOUGHT)
    mixed = bought.shuffled(np.random.default_rng(0))
    np.testing.assert_array_equal(mixed.item_J, bought.item_J)
    assert sorted(mixed.grade_J.tolist()) == sorted(bought.grade_J.tolist())
    assert (mixed.grade_J != bought.grade_J).any()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[annotations]\npairs = 10\n", "annotations.pairs == 10, must be 0 without a judge"),
        (
            "[judges.twin]\npermuted = true\n",
            "judges.twin: annotations.pairs == 0, must be more: there is nothing to permute",
        ),
        (
            '[judges.e]\ntype = "entities"\n',
            "judges.e: annotations.pairs == 0, must be more: it learns grades from annotations",
        ),
        ('[judges.own]\ntype = "custom"\n', "object == '' with type 'custom'"),
        (
            '[judges.own]\ntype = "chian"\n',
            "must be of type 'logistic', 'entities', 'custom', 'chain'",
        ),
        ('[judges.own]\ntype = "chain"\n', "it learns from verdicts alone"),
        (
            '[judges.own]\n[annotations]\npairs = 9\nsource = "judgments"\n',
            "annotations.source == 'judgments', must be 'simulated' without",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_config(more=more, folder=tmp_path)
