"""A study of a little run, its worlds lived and read; what its rows say is checked by hand."""

import json
from itertools import product

import pytest

from experiments.attribution.incremental.arms import open_arm
from experiments.attribution.incremental.study import SHARED, live_studies, study_rows
from experiments.config.loading import load_config
from experiments.inference.events import TOUCHES
from experiments.inference.finding import holm
from experiments.inference.metrics import METRICS
from experiments.records.attribution import SALES, StudyRow
from experiments.running.run import run_experiment
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.truth.effects import paired_truth
from simulator.errors import ConfigError
from tests.experiments.small_runs import SMALL, stage, table

pytestmark = pytest.mark.slow

WEIGHTS = (0.0, 1.0, 1.5)

# Every candidate is ranked, and no channel is late or slower than another: then a second channel of
# the same words changes no page. The random channel's arm has a pool in which weights decide.
STUDY = """
[ranker.learned]
epochs = 2

[channels.lexical]
type = "lexical"
latency.sigma = 0

[channels.popular]
type = "popular"
latency.sigma = 0

[channels.twin]
type = "lexical"
latency.sigma = 0

[channels.random]
type = "random"
limit = 30
latency.sigma = 0

[funnel]
keep = 500
merge = { limit = 500 }

[[arms]]
name = "alone"
share = 0.2
channels = ["popular"]

[[arms]]
name = "twin"
share = 0.4
channels = ["lexical", "popular", "twin"]

[[arms]]
name = "random"
share = 0.4
channels = ["lexical", "popular", "random"]
merge = { limit = 10, weights = { random = 1.5 } }

[execution]
processes = 1

[truth]
seeds = 1

[attribution]
seeds = 2

[attribution.studies.twin]
arm = "twin"
channel = "twin"
weights = [0, 1, 1.5]

[attribution.studies.random]
arm = "random"
channel = "random"
weights = [0, 1, 1.5]
"""


def study_toml(folder, more=""):
    market = SMALL.read_text().partition("[channels.lexical]")[0]
    path = folder / "study.toml"
    path.write_text(market + STUDY + more)
    return path


class Lived:
    """A finished run, its studies' worlds, and what they say."""

    def __init__(self, folder):
        self.config = load_config(study_toml(folder), ["shoppers.count=250"])
        self.folder = folder / "run"
        run_experiment(self.config, self.folder, progress=NoProgress(), command="a test")
        self.opened = []
        self.studies = self.live()
        rows = study_rows(self.studies, confidence=0.95)
        self.rows = {(r.study, r.weight, r.measure, r.event): r for r in rows}
        assert len(self.rows) == len(rows)

    def live(self):
        with RunFolder(self.folder) as run:
            maker = Maker(run, self.config.execution, NoProgress())

            def opened(name):
                self.opened.append(name)
                return open_arm(self.config, maker, name)

            return live_studies(self.config, opened, self.config.attribution)

    def study(self, name):
        return next(study for study in self.studies if study.name == name)

    def row(self, study, weight, measure, event) -> StudyRow:
        return self.rows[study, weight, measure, event]


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    return Lived(tmp_path_factory.mktemp("study"))


def test_every_study_has_all_shares_and_lifts_at_every_weight(lived):
    measures = [*product(TOUCHES, SHARED), *product(["lift"], SALES)]
    wanted = {(s, w, *m) for s, w, m in product(["twin", "random"], WEIGHTS, measures)}
    assert set(lived.rows) == wanted
    for row in lived.rows.values():
        assert (row.seeds, row.arm, row.channel) == (2, row.study, row.study)
        assert 0 < row.shoppers <= 600
        assert row.value.estimate is not None
        assert (row.p_value is None) == (row.measure != "lift")


def test_each_arm_is_opened_once_and_lived_worlds_are_found_again(lived):
    assert lived.opened[:2] == ["twin", "random"]
    digests = [path.stat().st_mtime_ns for path in sorted(lived.folder.glob("stages/*"))]
    assert lived.live() == lived.studies
    assert digests == [path.stat().st_mtime_ns for path in sorted(lived.folder.glob("stages/*"))]


def test_the_world_at_the_arms_own_weight_is_its_truth_world(lived):
    for name, weight in (("twin", 1.0), ("random", 1.5)):
        log = lived.study(name).weighted[weight][0]
        assert log == stage(lived.folder, f"truth-{name}-0") / "log"


def test_a_weight_given_by_name_is_the_weight_that_is_served(lived):
    digests = {
        json.loads((logs[0] / "manifest.json").read_text())["digest"]
        for logs in lived.study("random").weighted.values()
    }
    assert len(digests) == len(WEIGHTS)


def test_a_share_is_that_of_all_rows_that_the_channel_found(lived):
    study = lived.study("random")
    logs = study.weighted[1.5]
    exposures = [table(log, "exposures") for log in logs]
    found = sum(int((rows.sources & study.bit != 0).sum()) for rows in exposures)
    alone = sum(int((rows.sources == study.bit).sum()) for rows in exposures)
    total = sum(map(len, exposures))
    assert lived.row("random", 1.5, "any_touch", "exposure").value.estimate == pytest.approx(
        found / total
    )
    assert lived.row("random", 1.5, "exclusive", "exposure").value.estimate == pytest.approx(
        alone / total
    )
    money = [(table(log, "orders"), log) for log in logs]
    spent = [rows.price.astype(float) * rows.quantity for rows, _ in money]
    held = [
        s[rows.sources & study.bit != 0].sum() for s, (rows, _) in zip(spent, money, strict=True)
    ]
    share = lived.row("random", 1.5, "any_touch", "gmv").value.estimate
    assert share == pytest.approx(sum(held) / sum(s.sum() for s in spent))


def test_a_lift_is_the_relative_effect_of_paired_worlds(lived):
    study = lived.study("random")
    metrics = {"purchase": METRICS["orders"], "gmv": METRICS["gmv"]}
    effects = paired_truth(study.base, study.weighted[1.5], list(metrics.values())).effects
    for event, effect in zip(metrics, effects, strict=True):
        row = lived.row("random", 1.5, "lift", event)
        assert row.value.estimate == pytest.approx(effect.relative.estimate, rel=1e-9)
        assert row.value.low < row.value.estimate < row.value.high


def test_more_weight_gives_a_channel_more_exposures(lived):
    for rule in TOUCHES:
        shares = [lived.row("random", weight, rule, "exposure") for weight in WEIGHTS]
        assert shares[0].value.estimate < shares[1].value.estimate < shares[2].value.estimate
        assert all(share.value.low <= share.value.estimate <= share.value.high for share in shares)


def test_at_weight_nothing_a_channel_still_shares_what_it_finds(lived):
    random = lived.row("random", 0.0, "any_touch", "exposure").value.estimate
    exclusive = lived.row("random", 0.0, "exclusive", "exposure").value.estimate
    assert 0 < exclusive < random < 1  # alone only where the others leave the pool room


def test_a_twin_under_a_blind_ranker_holds_all_that_its_double_finds_and_adds_nothing(lived):
    for weight in WEIGHTS:
        for event in SALES:
            row = lived.row("twin", weight, "lift", event)
            assert (*row.value.numbers, row.p_value) == (0.0, 0.0, 0.0, 1.0)
        logs = lived.study("twin").weighted[weight]
        lexical = [(table(log, "exposures").sources & 1).sum() for log in logs]
        share = sum(lexical) / sum(len(table(log, "exposures")) for log in logs)
        assert lived.row("twin", weight, "any_touch", "exposure").value.estimate == pytest.approx(
            share
        )
        assert lived.row("twin", weight, "exclusive", "exposure").value.estimate == 0.0


def test_studies_that_cannot_be_are_named_all_at_once(tmp_path):
    more = """
    [attribution.studies.a]
    arm = "twni"
    channel = "twin"
    [attribution.studies.b]
    arm = "random"
    channel = "twin"
    [attribution.studies.c]
    arm = "alone"
    channel = "popular"
    [attribution.studies.d]
    arm = "twin"
    channel = "twin"
    weights = [1, 1.0]
    """
    with pytest.raises(ConfigError) as caught:
        load_config(study_toml(tmp_path, more))
    told = str(caught.value)
    for problem in (
        "attribution.studies.a.arm == 'twni', must be twin (the closest known)",
        "attribution.studies.b.channel == 'twin', must be one of lexical, popular, random in arm "
        "random",
        "attribution.studies.c.arm == 'alone', must be an arm with other channels, too",
        "attribution.studies.d.weights == 1.0 2 times, must be named once",
    ):
        assert problem in told


def test_without_studies_nothing_is_opened_or_lived(tmp_path):
    config = load_config(SMALL)
    assert live_studies(config, lambda name: pytest.fail(name), config.attribution) == []
    assert study_rows([], confidence=0.95) == []


def test_lifts_are_adjusted_for_the_number_of_weights(lived):
    for study, event in product(["twin", "random"], SALES):
        lifts = [lived.row(study, weight, "lift", event) for weight in WEIGHTS]
        assert tuple(row.p_holm for row in lifts) == holm([row.p_value for row in lifts])
    assert all(row.p_holm is None for row in lived.rows.values() if row.measure != "lift")
