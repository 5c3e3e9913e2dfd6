"""The truth of whole runs: parts that add up, headroom in order, and the realised one beside."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.attribution.incremental.arms import Arm
from experiments.inference.metrics import UNIT_COLUMNS
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.running.pipeline import Pipeline
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.truth.effects import paired_truth
from experiments.truth.files import BESIDE, OWN
from experiments.truth.headroom import PAGES
from simulator.errors import DataError
from simulator.following.tally import EXPECTED
from tests.experiments.small_runs import read, run, small_config, stage

EACH = "truth.trainings=each"
OWN_METRICS = """
[[analysis.own]]
name = "money"
sql = "SELECT shopper, price::DOUBLE * quantity AS numerator FROM orders"

[[analysis.own]]
name = "clicks_shown"
sql = "SELECT shopper, clicked::INT AS numerator, 1 AS denominator FROM exposures"

[[analysis.own]]
name = "dear_click"
sql = "SELECT shopper, price AS value FROM exposures JOIN items USING (item) WHERE clicked"
quantile = 0.9
resamples = 200
"""


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, small_run):
    """A small run with headroom and another training of control's ranker."""
    whole = small_config("truth.headroom=1000", 'truth.retrained=["ranker"]')
    return run(whole, tmp_path_factory.mktemp("whole") / "run", like=small_run)


@pytest.fixture(scope="module")
def truths(whole_run):
    return read_record(Truths, whole_run)


def test_the_parts_of_an_effect_add_up_to_it(truths):
    told = [row for row in truths.truth if row.parts is not None]
    assert {"gmv", "orders", "uctcvr", "uctr"} <= {row.metric for row in told}
    for row in told:
        parts = (row.parts.pages, row.parts.latency, row.parts.state, row.parts.lost)
        total = sum(part.estimate for part in parts)
        assert total == pytest.approx(row.effect.estimate / row.control, abs=1e-9), row.metric


def test_expected_and_realised_effects_stand_side_by_side(truths):
    clicking = truths.of("uctr", ("control", "dense"))
    narrow = clicking.effect.high - clicking.effect.low
    wide = clicking.realised.effect.high - clicking.realised.effect.low
    assert narrow < wide
    orders = truths.of("orders", ("control", "dense"))
    assert orders.method == "expected"
    assert orders.remainder.relative.low < 0 < orders.remainder.relative.high
    assert orders.resolution == pytest.approx((orders.relative.high - orders.relative.low) / 2)


def test_the_realised_method_reads_the_logs_alone(tmp_path, small_run):
    folder = run(small_config("truth.method=realised"), tmp_path / "run", like=small_run)
    rows = {row["metric"]: row for row in read(folder, "truth")["truth"]}
    expected = {row["metric"]: row for row in read(small_run, "truth")["truth"]}
    for name, row in rows.items():
        assert row["method"] == "realised"
        assert row["effect"] == expected[name]["realised"]["effect"]
        assert row["parts"] is None


@pytest.mark.slow
def test_metrics_of_ones_own_have_a_realised_truth_beside_the_expected_ones(tmp_path, small_run):
    """Those that restate a shipped metric have what is realised of it; the others stay."""
    config = small_config(more=OWN_METRICS, folder=tmp_path)
    folder = run(config, tmp_path / "run", like=small_run)
    found, shipped = (read_record(Truths, each) for each in (folder, small_run))
    contrast = ("control", "dense")
    for name, twin in (("money", "gmv"), ("clicks_shown", "ctr")):
        row, wanted = found.of(name, contrast), shipped.of(twin, contrast)
        assert row.method == "realised"
        for told in (row.effect, row.realised.effect):
            assert told.numbers == pytest.approx(wanted.realised.effect.numbers, rel=1e-9)
        assert row.naive.numbers == pytest.approx(wanted.naive.numbers, rel=1e-9)
        assert row.n == wanted.n
    row = found.of("dear_click", contrast)
    assert row.effect.low <= row.effect.estimate <= row.effect.high
    others = [row for row in found.truth if row.method == "expected"]
    assert tuple(others) == shipped.truth
    html = (folder / "report.html").read_text()
    assert "The truth of money, clicks shown and dear click is realised, not expected" in html
    assert "<small>realised</small>" in html
    without = small_config("truth.seeds=0", more=OWN_METRICS, folder=tmp_path)
    none = run(without, tmp_path / "none", like=small_run)
    assert not (none / "truth.json").exists()


def test_worlds_that_were_not_followed_are_refused_by_name(small_run):
    log = stage(small_run, "experiment") / "log"
    with pytest.raises(DataError, match=r"not followed, must hold what is expected of it"):
        paired_truth([log], [log], [])


def test_an_oracle_never_adds_less_the_more_it_may_choose_from(truths):
    rooms = [row for row in truths.headroom if row.cut == "all"]
    assert {(row.arm, row.event) for row in rooms} == {
        (arm, event) for arm in ("control", "dense") for event in ("purchase", "gmv")
    }
    for row in rooms:
        assert 0 < row.kept.estimate <= row.pool.estimate + 1e-3
        assert row.pool.estimate <= row.catalogue.estimate + 1e-3
        assert row.recall.estimate <= row.catalogue.estimate + 1e-3


def test_the_sample_of_headroom_is_a_row_for_each_request(whole_run, truths):
    sample = pq.read_table(stage(whole_run, "truth-control-0") / "headroom.parquet").to_pandas()
    assert sample["request"].is_unique
    assert len(sample) == truths.room("control", "gmv").requests
    assert (sample[[f"orders_{page}" for page in PAGES]] >= 0).all().all()
    assert np.isfinite(sample.to_numpy(float)).all()


def test_without_headroom_and_refits_the_effects_are_the_same(whole_run, small_run):
    whole, plain = read(whole_run, "truth"), read(small_run, "truth")
    assert whole["headroom"]
    assert plain["headroom"] == plain["refits"] == []
    assert plain["truth"] == whole["truth"]


def test_another_training_is_told_with_its_interval(truths):
    assert {"gmv", "orders", "ctr"} <= {row.metric for row in truths.refits}
    for row in truths.refits:
        assert (row.arm, row.model) == ("control", "ranker")
        assert 50 < row.shoppers < 300  # a quarter of 600
    moved = [row for row in truths.refits if row.metric == "ctr"]
    assert moved[0].relative.estimate != 0
    assert moved[0].relative.low < moved[0].relative.estimate < moved[0].relative.high


def test_everything_that_metrics_count_has_an_expectation():
    assert set(EXPECTED) == set(UNIT_COLUMNS)


@pytest.mark.slow
def test_rankers_that_learn_nothing_have_one_training(tmp_path, small_run):
    settings = (EACH, "truth.seeds=2", 'truth.retrained=["ranker"]', "ranker.type=merge_order")
    found = read(run(small_config(*settings), tmp_path / "run", like=small_run), "truth")
    assert {row["trainings"] for row in found["truth"]} == {1}
    assert found["refits"] == []


@pytest.fixture(scope="module")
def partly(tmp_path_factory, small_run):
    """The truth over half of the shoppers."""
    folder = tmp_path_factory.mktemp("partly") / "run"
    return run(small_config("truth.share=0.5"), folder, like=small_run)


@pytest.mark.parametrize("file", [OWN, BESIDE])
def test_of_shoppers_that_are_followed_the_same_is_expected_whoever_else_is(
    partly, small_run, file
):
    half, whole = (
        pq.read_table(stage(folder, "truth-dense-0") / file).to_pandas().set_index("shopper")
        for folder in (partly, small_run)
    )
    assert 0.4 < len(half) / len(whole) < 0.6
    assert half.equals(whole.loc[half.index])


def test_a_truth_over_fewer_shoppers_tells_how_many_and_is_less_sure(partly, small_run):
    half, whole = (
        read_record(Truths, folder).of("ctr", ("control", "dense"))
        for folder in (partly, small_run)
    )
    assert 0.4 < half.n / whole.n < 0.6
    assert 1.1 < half.resolution / whole.resolution < 2.0  # by the root of 2, about
    assert half.effect.low < whole.effect.high
    assert whole.effect.low < half.effect.high


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ([], "truth-dense-0"),
        (["truth.share=0.5"], "all-dense-0"),
        (["truth.method=realised"], "all-dense-0"),
    ],
)
def test_whoever_needs_all_shoppers_followed_reuses_the_truth_only_where_they_are(
    tmp_path, settings, name
):
    config = small_config(*settings)
    with RunFolder(tmp_path / "run") as folder:
        maker = Maker(folder, config.execution, NoProgress())
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        channels, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, channels, early)
        job = Arm(config, maker, 1, trained).world(0)
    assert (job.stage.name, job.share, job.followed) == (name, 1.0, True)
