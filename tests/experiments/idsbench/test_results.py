"""The record: readings from real beams, pooled, compared, written and read again."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from cqsid.decoding.shelves import Shelves
from cqsid.tokenizer.ids import SemanticIds
from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.asked import Asked
from experiments.idsbench.readings import cluster_shares, read_beams
from experiments.idsbench.results import make_record
from experiments.idsbench.trial import Answered, Trial
from experiments.records.ids import (
    AT_ITEMS,
    EQUAL_BEAM,
    EQUAL_COMPUTE,
    EQUAL_ITEMS,
    HIT_RATE,
    IdsRecord,
    Mode,
)
from experiments.records.papers.published import SCHEMES
from experiments.records.reading import read_record, write_record
from recall.arrays import Ragged
from simulator.errors import DataError
from tests.experiments.report.ids.fake_results import SPEC, fake_ids, fake_reading, fake_record

SMALL = IdsBenchSpec(
    deepest=1,
    schemes=("rqvae", "random"),
    beams=(1, 4),
    recall_sizes=(2, 6),
    serving_beam=2,
    item_limit=4,
)


@pytest.fixture(scope="module")
def record():
    return fake_record()


def small_world(items=30, requests=12):
    rng = np.random.default_rng(0)
    ids = SemanticIds(rng.integers(0, 3, (items, 2), dtype=np.int32), (3, 3))
    sids = len(ids.sids_SL)
    beams = np.stack([rng.permutation(sids)[:4] for _ in range(requests)]).astype(np.int32)
    targets = Ragged.of([rng.permutation(items)[:2].tolist() for _ in range(requests)])
    return ids, Shelves.of(ids, np.zeros(items)), beams, Asked(targets, np.arange(requests) // 2)


def small_reading(**changes):
    ids, shelves, beams, asked = small_world()
    answered = Answered(changes.pop("decoded", {4: beams}), prompt=5.0, decode_s=0.1)
    seed, modes, quality = changes.pop("seed", 0), {Mode.SEMANTIC: answered}, None
    trial = Trial("rqvae", seed, ids, shelves, quality, modes, training_s=1.0)
    return read_beams(SMALL, asked, trial, Mode.SEMANTIC, **changes)


def test_a_reading_holds_every_width_list_and_beam():
    reading = small_reading()
    assert reading.hit_BW.shape == reading.capped_BW.shape == (12, len(SMALL.widths))
    assert reading.items_BK.shape == reading.beam_BK.shape == reading.compute_BK.shape == (12, 2)
    assert len(reading.capped_N) == len(reading.returned_N) == len(reading.positions_N) == 4
    assert (np.diff(reading.hit_BW, axis=1) >= 0).all()
    assert (reading.capped_BW <= reading.hit_BW).all()
    assert (reading.beam_BK <= reading.items_BK).all()


def test_the_baselines_own_budget_pays_for_its_serving_beam_at_least():
    reading = small_reading()
    assert reading.compute_beam >= SMALL.serving_beam
    poor = small_reading(budget=5.5)
    assert poor.compute_beam == 0
    assert not poor.compute_BK.any()


def test_a_width_decoded_by_itself_is_read_from_its_own_beams():
    _, _, beams, _ = small_world()
    other = np.roll(beams, 1, axis=0)[:, :1]
    own = small_reading(decoded={1: other, 4: beams})
    nested = small_reading(decoded={4: beams})
    assert own.hit_BW[:, 0].tolist() != nested.hit_BW[:, 0].tolist()
    np.testing.assert_array_equal(own.hit_BW[:, 1:], nested.hit_BW[:, 1:])
    with pytest.raises(DataError, match=r"widths \[1\], must include 4 or wider"):
        small_reading(decoded={1: other})


def test_cluster_shares_count_items_by_the_size_of_their_cluster():
    codes = np.repeat(np.arange(3, dtype=np.int32), (1, 5, 6))[:, None]
    ids = SemanticIds(np.vstack([codes, [[-1]]]).astype(np.int32), (3,))
    assert cluster_shares(ids) == pytest.approx((1 / 12, 5 / 12, 6 / 12, 0, 0, 0))


def test_levels_are_means_over_seeds_and_gains_follow_from_them(record):
    for measure, at in ((HIT_RATE, 10), (EQUAL_ITEMS, 200), (EQUAL_COMPUTE, 1000), (AT_ITEMS, 1)):
        own = record.of("cqsid", "semantic", measure, at)
        base = record.of("rqvae", "semantic", measure, at)
        gain = record.gain("cqsid", "semantic", measure, at)
        assert own.value.estimate == pytest.approx(np.mean(own.per_seed))
        assert own.value.low < own.value.estimate < own.value.high
        assert gain.effect.estimate == pytest.approx(own.value.estimate - base.value.estimate)
        assert gain.relative.estimate == pytest.approx(own.value.estimate / base.value.estimate - 1)
        assert gain.relative.low < gain.relative.estimate < gain.relative.high
        assert (own.seeds, own.n, own.shoppers) == (3, 1500, record.shoppers)


def test_every_scheme_mode_and_size_has_its_row(record):
    sizes = 2 * len(SPEC.beams) + 3 * len(SPEC.recall_sizes)
    assert len(record.measured) == 2 * 5 * sizes
    assert len(record.gains) == 2 * 4 * sizes
    assert len(record.curves) == 2 * 5 * len(SPEC.widths)
    assert len(record.costs) == 10
    assert record.warnings == ()


def test_only_hit_rates_are_corrected_and_correction_never_helps(record):
    hits = [gain for gain in record.gains if gain.measure == HIT_RATE]
    assert all(gain.p_holm >= gain.p_value for gain in hits)
    assert any(gain.p_holm > gain.p_value for gain in hits)
    assert all(gain.p_holm is None for gain in record.gains if gain.measure != HIT_RATE)


def test_the_matching_beam_is_the_first_to_reach_the_baselines_rate():
    reading = [
        replace(small_reading(seed=seed), capped_N=np.array([0.1, 0.2, 0.3, 0.3]))
        for seed in (0, 1)
    ]
    base = [replace(row, returned_N=np.array([2.0, 4.0, 6.0, 8.0])) for row in reading]
    better = [
        replace(row, scheme="random", capped_N=np.array([0.1, 0.19, 0.2, 0.2])) for row in base
    ]
    record = make_record(SMALL, [*base, *better], [], small_world()[3].shopper_B, name="x", items=9)
    first, second = record.costs
    assert (first.items_beam, first.matched_rate, first.matched_beam) == (2, 0.2, 2)
    assert second.matched_beam == 3


def test_few_seeds_and_shoppers_are_warned_of():
    record = fake_record(requests=60, seeds=1, modes=(Mode.SEMANTIC,))
    assert record.modes == ("semantic",)
    assert any("One seed" in said for said in record.warnings)
    assert any("shoppers" in said for said in record.warnings)
    assert all(gain.relative.low is None for gain in record.gains)
    assert any("2 seeds" in said for said in fake_record(seeds=2).warnings)


def test_seeds_of_schemes_must_be_the_same():
    shopper_B = np.arange(40)
    readings = [
        fake_reading(SPEC, scheme, Mode.SEMANTIC, seed, shopper_B)
        for scheme in SPEC.schemes
        for seed in (0, 1)
        if (scheme, seed) != ("cqsid", 1)
    ]
    with pytest.raises(DataError, match=r"cqsid, semantic: seeds == \(0,\), must be \(0, 1\)"):
        make_record(SPEC, readings, [fake_ids("cqsid", 0)], shopper_B, name="x", items=1)


def test_a_record_survives_its_file(record, tmp_path):
    write_record(tmp_path, record)
    assert read_record(IdsRecord, tmp_path) == record


def test_numbers_that_are_not_known_are_null_in_the_file(tmp_path):
    record = fake_record(requests=60, seeds=1)
    gone = replace(record.quality[0], gini=float("nan"))
    write_record(tmp_path, replace(record, quality=(gone,)))
    assert read_record(IdsRecord, tmp_path).quality[0].gini is None


def test_published_gains_are_those_the_paper_prints():
    """+26.76, +22.57, +18.89 % without and +11.11 % with the shopper, at beams 1, 10 and 100."""
    gains = [
        round(100 * row.relative, 2)
        for row in SCHEMES
        if row.scheme == "cqsid" and row.measure == HIT_RATE
    ]
    assert gains[:4] == [26.76, 22.57, 18.89, 11.11]


def test_widths_hold_what_is_reported_and_stay_inside():
    assert IdsBenchSpec(deepest=200).widths == (1, 2, 5, 10, 20, 50, 100, 200)
    assert IdsBenchSpec(beams=(3,), serving_beam=7, deepest=1).widths == (1, 2, 3, 5, 7)
    assert (SPEC.primary_beam, IdsBenchSpec().widest) == (10, 1000)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"baseline": "other"}, "baseline == 'other', must be one of rqvae"),
        ({"schemes": ("rqvae", "rqvae")}, "must be distinct"),
        ({"beams": (10, 1)}, r"beams == \(10, 1\), must rise"),
        ({"recall_sizes": (5, 5)}, "must be distinct"),
        ({"beams": ()}, "at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        IdsBenchSpec(**given)


def test_every_setting_says_what_it_is():
    assert all(field.description for field in IdsBenchSpec.model_fields.values())


def test_equal_beam_never_recalls_more_than_equal_items(record):
    for scheme in SPEC.schemes:
        for k in SPEC.recall_sizes:
            whole = record.of(scheme, "semantic", EQUAL_ITEMS, k)
            assert (
                record.of(scheme, "semantic", EQUAL_BEAM, k).value.estimate <= whole.value.estimate
            )
