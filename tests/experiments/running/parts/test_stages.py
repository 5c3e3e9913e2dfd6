"""Channels that lean on others, and steps, in the stages of a run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.config.schema import Config
from experiments.records.files import read_json
from experiments.running.models import LOG, MODEL, REPORT, load_channel
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.progress import NoProgress
from experiments.stages.stage import Stage
from recall.composed.references import timed
from simulator.errors import ConfigError, ContractError
from simulator.log.history import load_history
from tests.experiments.small_runs import begun, small_config

MORE = """
[rewriters.nothing]
type = "identity"

[rewriters.words]
type = "custom"
object = "tests.experiments.plugins:FirstWord"
channels = ["lexical"]

[rewriters.unused]
type = "frequent"

[channels.same]
type = "rewritten"
rewriter = "nothing"
inner = "lexical"

[channels.reworded]
type = "rewritten"
rewriter = "words"
inner = "lexical"

[channels.again]
type = "rewritten"
rewriter = "words"
inner = "reworded"
"""
ARMS = (
    'arms.dense.channels=["same", "reworded", "again"]',
    'arms.control.channels=["popular"]',
    "ranker.training=per_arm",
    "ranker.provenance=true",  # it learns with channels of the earlier part of the log
)
Made = tuple[Config, dict[str, Stage], dict[str, Stage], list[str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_run: Path) -> Made:
    """The channels of a run: its settings, stages of late and early ones, names, and the log."""
    folder = tmp_path_factory.mktemp("parts")
    config = small_config(*ARMS, more=MORE, folder=folder / "config")
    run = begun(folder / "run", small_run)
    with open_run(config, run, NoProgress(), overwrite=False) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        names = [record.name for record in maker.records]
    return config, late, early, names, history.path / LOG


def opened(made: Made, name: str) -> Any:
    config, late, *_ = made
    return load_channel(late[name].path / MODEL, config, name)


def test_parts_are_trained_once_and_before_those_that_lean_on_them(made: Made) -> None:
    _, late, _, names, _ = made
    assert set(late) == {"popular", "dense", "lexical", "same", "reworded", "again"}
    assert len(names) == len(set(names))
    own = [name for name in names if not name.endswith("-early")]
    for part, of in (
        ("channel-lexical", "rewriter-words"),
        ("rewriter-words", "channel-reworded"),
        ("rewriter-nothing", "channel-same"),
        ("channel-reworded", "channel-again"),
    ):
        assert own.index(part) < own.index(of)


def test_what_nothing_leans_on_is_not_trained(made: Made) -> None:
    assert not [name for name in made[3] if "unused" in name]


def test_without_wordings_it_is_the_inner_channel_in_a_run_too(made: Made) -> None:
    log = made[4]
    same = opened(made, "same")
    requests = load_history(log).requests(slice(0, 400))
    one, other = same.recall(requests, 50), same._inner.recall(requests, 50)
    np.testing.assert_array_equal(one.items_BN, other.items_BN)
    np.testing.assert_array_equal(one.scores_BN, other.scores_BN)
    assert same.name == "same"
    assert same._inner.name == "lexical"


def test_what_leans_on_one_part_holds_the_same(made: Made) -> None:
    again, reworded = opened(made, "again"), opened(made, "reworded")
    texts = again._rewriter.table.texts
    assert texts == reworded._rewriter.table.texts == again._inner._rewriter.table.texts
    assert reworded._rewriter.found["lexical"].shape == (5, 3)


def test_a_channel_that_rankers_learn_with_leans_on_parts_of_the_earlier_log_alone(
    made: Made,
) -> None:
    config, _, early, names, log = made
    assert {"rewriter-words-early", "channel-lexical-early"} <= set(names)
    found: Any = load_channel(early["reworded"].path / MODEL, config, "reworded")
    history = load_history(log)
    asked = {history.texts[text] for text in history.text_R.tolist()}
    assert set(found._rewriter.table.texts) < asked


def test_its_time_is_that_of_its_inner_channel_and_its_own(made: Made) -> None:
    channels = made[0].channels
    lexical, own = channels["lexical"].latency, channels["reworded"].latency
    once, twice = (timed(channels, name).latency for name in ("reworded", "again"))
    assert once.base_s == pytest.approx(lexical.base_s + own.base_s)
    assert twice.base_s == pytest.approx(lexical.base_s + 2 * own.base_s)
    assert once.per_item_s == lexical.per_item_s


def test_it_tells_how_the_log_is_reworded(made: Made) -> None:
    told = read_json(made[1]["reworded"].path / REPORT)
    assert told["rewriter"] == "words"
    assert 0 < told["requests_reworded"] < 1
    same = read_json(made[1]["same"].path / REPORT)
    assert same["requests_reworded"] == same["items_that_the_text_did_not_find"] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            'channels.reworded.inner="lexicl"',
            "channels.reworded.inner == 'lexicl', must be the name of a channel: lexical",
        ),
        (
            'channels.reworded.rewriter="word"',
            "channels.reworded.rewriter == 'word', must be the name of a rewriter: words",
        ),
        (
            'rewriters.words.channels=["again"]',
            "must not be made of itself in the end",
        ),
        (
            'rewriters.words.judge="grader"',
            "words.judge == 'grader', must be the name of a judge",
        ),
        (
            'world.updates={every_days=1, models=["reworded"]}',
            "must be a channel that learns: it serves what its rewriter and its inner channel",
        ),
    ],
)
def test_settings_that_lead_nowhere_are_refused(setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        small_config(*ARMS, setting, more=MORE, folder=tmp_path)


def test_what_is_no_rewriter_is_told_before_a_run(tmp_path: Path) -> None:
    broken = MORE.replace("plugins:FirstWord", "plugins:CannotFit")
    config = small_config(*ARMS, more=broken, folder=tmp_path)
    with pytest.raises(ContractError, match="CannotFit without rewrite, must have fit and rewrite"):
        config.rewriters["words"].check()
