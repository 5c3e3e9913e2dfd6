from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from experiments.attribution.incremental.games import Index, index_values, indices
from experiments.attribution.incremental.values import (
    Worths,
    coalition_rows,
    interaction_rows,
    value_rows,
)
from experiments.inference.intervals.crossed import growth, ratio
from simulator.errors import DataError

CHANNELS = ("lexical", "popular", "dense")


def worths_of(seeds=3, shoppers=200, seed=0, null=None, event="gmv"):
    """Random worths of all coalitions of three channels; `null` changes nothing anywhere."""
    rng = np.random.default_rng(seed)
    cells = rng.lognormal(0, 1, (seeds, shoppers, 8)) + np.array([0, 2, 2, 3, 1, 3, 3, 4])
    cells[:, :, 0] = 0
    exposed = (rng.random((seeds, shoppers)) < 0.9).astype(float)
    cells *= exposed[:, :, None]
    if null is not None:
        cells = cells[:, :, np.arange(8) & ~(1 << null)]
    values = index_values(cells.reshape(-1, 8), 3).reshape(seeds, shoppers, len(indices(3)))
    return Worths(
        channels=CHANNELS,
        indices=indices(3),
        exposed_SU=exposed,
        values={event: values},
        coalitions_M=np.arange(8),
        worths={event: cells.sum(axis=1)},
        variance={},
    )


def by_index(rows):
    return {(row.index, row.channel): row for row in rows}


def told(worths, **options):
    return by_index(value_rows("replay", "all", worths, confidence=0.95, **options))


def test_every_channel_has_a_row_for_each_index_and_event():
    rows = value_rows("worlds", "treatment", worths_of(), confidence=0.95)
    assert len(rows) == 3 * 3
    assert {(row.method, row.arm, row.event) for row in rows} == {("worlds", "treatment", "gmv")}
    assert {row.seeds for row in rows} == {3}
    assert {row.shoppers for row in rows} == {200}


def test_a_value_is_per_exposed_shopper_and_a_share_of_what_all_channels_bring():
    worths = worths_of()
    total_SU = worths.table("gmv", Index("total"))
    for (kind, channel), row in told(worths).items():
        part_SU = worths.table("gmv", Index(kind, CHANNELS.index(channel)))
        value = ratio(part_SU, worths.exposed_SU, confidence=0.95)
        share = ratio(part_SU, total_SU, confidence=0.95)
        assert row.value.estimate == pytest.approx(part_SU.sum() / worths.exposed_SU.sum())
        assert (row.value, row.share) == (value.interval, share.interval)
        assert row.value.low < row.value.estimate < row.value.high


def test_shapley_shares_add_up_to_the_whole():
    rows = told(worths_of())
    assert sum(rows["shapley", channel].share.estimate for channel in CHANNELS) == pytest.approx(1)


def test_the_lift_of_leave_one_out_is_the_growth_over_the_funnel_without_the_channel():
    worths = worths_of()
    rows = told(worths)
    total_SU = worths.table("gmv", Index("total"))
    rest_SU = total_SU - worths.table("gmv", Index("leave_one_out", 1))
    lift = growth(total_SU, worths.exposed_SU, rest_SU, worths.exposed_SU, confidence=0.95)
    row = rows["leave_one_out", "popular"]
    assert row.relative.estimate == pytest.approx(total_SU.sum() / rest_SU.sum() - 1)
    assert row.relative == lift.interval
    assert all(rows["shapley", channel].relative.estimate is None for channel in CHANNELS)
    assert all(rows["alone", channel].relative.low is None for channel in CHANNELS)


def test_one_world_gives_the_one_sample_interval_over_shoppers():
    worths = worths_of(seeds=1)
    worths = replace(worths, exposed_SU=np.ones_like(worths.exposed_SU))
    row = told(worths)["shapley", "dense"]
    cells = worths.table("gmv", Index("shapley", 2))[0]
    reach = stats.t.ppf(0.975, 199) * cells.std(ddof=1) / 200**0.5
    np.testing.assert_allclose(
        [row.value.low, row.value.high], [cells.mean() - reach, cells.mean() + reach]
    )
    test = stats.ttest_1samp(cells, 0)
    assert row.p_value == pytest.approx(test.pvalue)


def test_a_channel_without_any_effect_has_an_interval_of_zero_width_at_zero():
    rows = told(worths_of(null=1))
    for kind in ("leave_one_out", "alone", "shapley"):
        row = rows[kind, "popular"]
        assert (*row.value.numbers, row.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert row.share.numbers == (0.0, 0.0, 0.0)
    row = rows["leave_one_out", "popular"]
    assert row.relative.numbers == (0.0, 0.0, 0.0)
    assert rows["shapley", "lexical"].value.low > 0


def test_nothing_at_all_has_values_of_zero_and_no_shares():
    worths = worths_of()
    nothing = replace(worths, values={"gmv": np.zeros_like(worths.values["gmv"])})
    for row in told(nothing).values():
        assert (*row.value.numbers, row.share.estimate, row.relative.estimate) == (
            0.0,
            0.0,
            0.0,
            None,
            None,
        )
        assert row.sampling_error is None


def test_nobody_exposed_gives_rows_without_numbers():
    empty = worths_of(shoppers=0)
    for row in told(empty).values():
        assert (
            row.value.estimate,
            row.value.low,
            row.share.estimate,
            row.relative.estimate,
            row.p_value,
        ) == (None,) * 5
    assert {
        row.value.estimate for row in interaction_rows("replay", "all", empty, confidence=0.9)
    } == {None}
    assert coalition_rows("replay", "all", empty) == []


def test_only_indices_that_are_there_get_rows():
    worths = worths_of()
    kept = [j for j, index in enumerate(worths.indices) if index.kind in ("total", "leave_one_out")]
    some = replace(
        worths,
        indices=tuple(worths.indices[j] for j in kept),
        values={"gmv": worths.values["gmv"][:, :, kept]},
    )
    rows = told(some)
    assert {kind for kind, _ in rows} == {"leave_one_out"}
    assert rows["leave_one_out", "dense"] == told(worths)["leave_one_out", "dense"]
    assert interaction_rows("replay", "all", some, confidence=0.95) == []


def test_the_sampling_error_is_that_of_a_share():
    worths = worths_of()
    sampled = replace(worths, variance={"gmv": np.array([4.0, 9.0, 0.0])})
    total = worths.table("gmv", Index("total")).sum()
    rows = told(sampled)
    assert rows["shapley", "popular"].sampling_error == pytest.approx(3 / total)
    assert rows["shapley", "dense"].sampling_error == 0
    assert rows["leave_one_out", "popular"].sampling_error == 0
    assert {row.sampling_error for row in told(worths).values()} == {0}


def test_interactions_name_each_pair_once():
    worths = worths_of()
    rows = interaction_rows("replay", "all", worths, confidence=0.95)
    pairs = [("lexical", "popular"), ("lexical", "dense"), ("popular", "dense")]
    assert [(row.channel, row.other) for row in rows] == pairs
    total = worths.table("gmv", Index("total")).sum()
    pair = worths.table("gmv", Index("interaction", 0, 2)).sum()
    assert rows[1].value.estimate == pytest.approx(pair / worths.exposed_SU.sum())
    assert rows[1].share.estimate == pytest.approx(pair / total)
    assert rows[1].value.low < rows[1].value.estimate < rows[1].value.high


def test_coalitions_are_told_per_exposed_shopper():
    worths = worths_of()
    rows = {row.channels: row.value for row in coalition_rows("replay", "all", worths)}
    assert len(rows) == 8
    assert rows[()] == 0
    both = worths.worths["gmv"][:, 0b101].sum() / worths.exposed_SU.sum()
    assert rows["lexical", "dense"] == pytest.approx(both)


def test_an_index_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="must hold"):
        worths_of().table("gmv", Index("shapley", 7))


def test_tables_of_another_shape_are_refused():
    worths = worths_of()
    with pytest.raises(DataError, match=r"values\['gmv'\]\.shape == "):
        replace(worths, exposed_SU=worths.exposed_SU[:, :-1])


def grouped(worths, category_U, groups):
    """The same, with the indices of categories."""
    sums = {
        event: np.stack([values_SUJ[0][category_U == g].sum(axis=0) for g in range(groups)])
        for event, values_SUJ in worths.values.items()
    }
    return replace(worths, categories=sums)


def test_in_one_world_intervals_also_hold_what_categories_share():
    """Shoppers of a category that all gain or lose together are few that are independent."""
    rng = np.random.default_rng(3)
    worths, category_U = worths_of(seeds=1, shoppers=400), rng.integers(0, 10, 400)
    moved = worths.values["gmv"].copy()
    moved[0] += rng.normal(0, 3, (10, moved.shape[2]))[category_U]
    shared = replace(worths, values={"gmv": moved})
    for each, least, most in ((worths, 1.0, 1.4), (shared, 1.5, 10.0)):
        alone, rows = told(each), told(grouped(each, category_U, 10))
        for key, row in rows.items():
            assert row.value.estimate == alone[key].value.estimate
            widths = [found.value.high - found.value.low for found in (row, alone[key])]
            assert least <= widths[0] / widths[1] <= most, (key, widths)
        pairs = [
            interaction_rows("worlds", "all", found, confidence=0.95)[0].value
            for found in (each, grouped(each, category_U, 10))
        ]
        assert pairs[0].high - pairs[0].low <= pairs[1].high - pairs[1].low
    lift, alone = (
        found["leave_one_out", "lexical"].relative
        for found in (told(grouped(shared, category_U, 10)), told(shared))
    )
    assert lift.high - lift.low > 1.5 * (alone.high - alone.low)
