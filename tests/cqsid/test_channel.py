"""The generative channel on the tiny shop."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.channel import CqsidChannel
from cqsid.decoding.settings import ShelfSpec
from cqsid.fit import learn
from cqsid.settings import ServingSpec
from cqsid.tokenizer.ids import SemanticIds
from recall.augmenting.augmentation import Synthetic
from recall.conformance import check_channel
from recall.sampleshop import sample_catalog, sample_history, sample_index, sample_requests
from simulator.errors import ConfigError
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import SMALL, fitted_channel, small_spec

DAY = 86_400.0


@pytest.fixture
def catalog():
    return tiny_shop()[0]


def items_of(found, row):
    return found.items_BN[row][found.items_BN[row] >= 0]


@pytest.mark.parametrize("personalised", [True, False])
def test_the_channel_keeps_its_contract(personalised):
    findings = check_channel(lambda: CqsidChannel(small_spec(personalised=personalised)))
    assert [str(finding) for finding in findings] == []


def test_items_come_by_their_ids_and_never_from_an_id_outside_the_table(catalog):
    channel = fitted_channel()
    requests = sample_requests(catalog)
    found = channel.recall(requests, 60)
    ids = channel.learned.ids
    for row in range(len(requests)):
        items = items_of(found, row)
        assert (ids.sid_I[items] >= 0).all()
        runs = np.flatnonzero(np.diff(ids.sid_I[items])) + 1
        assert len(runs) + 1 == len(np.unique(ids.sid_I[items])) or not len(items)


def test_a_query_without_a_known_subword_finds_nothing(catalog):
    found = fitted_channel().recall(sample_requests(catalog, 3, texts=("灯",)), 10)
    assert (found.items_BN == -1).all()


def test_only_the_personalised_channel_hears_of_the_shopper(catalog):
    requests = sample_requests(catalog, 40, texts=("red lamp",))
    answers = [
        np.unique(fitted_channel(personalised=told).recall(requests, 10).scores_BN, axis=0)
        for told in (True, False)
    ]
    assert len(answers[0]) > 1
    assert len(answers[1]) == 1


def test_new_items_are_found_after_the_day_they_enter_and_not_before(catalog):
    channel = fitted_channel()
    channel.adjust(small_spec(serving=ServingSpec(beams=200)))
    requests, index = sample_requests(catalog), sample_index(catalog)
    everything = replace(index, available_I=np.ones(len(catalog), bool))
    before = channel.recall(requests, 60)
    channel.refresh(replace(everything, at=1e9 + 2 * DAY), 0)
    after = channel.recall(requests, 60)
    new = np.flatnonzero(catalog.created_at_I > 0)
    assert not np.isin(before.items_BN, new).any()
    assert set(new) <= set(after.items_BN.ravel().tolist())
    np.testing.assert_array_equal(
        channel._ids.codes_IL[: new[0]], channel.learned.ids.codes_IL[: new[0]]
    )


def test_retired_items_leave_the_search(catalog):
    channel = fitted_channel()
    channel._retired_at_I = np.where(np.arange(len(catalog)) < 20, 5 * DAY, np.inf)
    index = sample_index(catalog)
    channel.refresh(index, 0)
    found = channel.recall(sample_requests(catalog), 60)
    assert not (np.isin(found.items_BN, np.arange(20))).any()
    assert (found.items_BN >= 20).any()


def test_a_newcomer_keeps_its_id_when_one_that_came_before_leaves(catalog):
    index = replace(sample_index(catalog), at=1e9 + 2 * DAY)
    stays, leaves = fitted_channel(), fitted_channel()
    first = int(np.flatnonzero(catalog.created_at_I > 0)[0])
    leaves._retired_at_I = np.where(np.arange(len(catalog)) == first, 1e9 + DAY, np.inf)
    for channel in (stays, leaves):
        channel.refresh(index, 0)
    np.testing.assert_array_equal(stays._ids.codes_IL, leaves._ids.codes_IL)
    assert stays._pool.sid_I[first] >= 0
    assert leaves._pool.sid_I[first] == -1


def test_a_second_refresh_of_the_day_reads_stock_alone(catalog):
    channel = fitted_channel()
    index = sample_index(catalog)
    channel.refresh(index, 0)
    decoder = channel._decoder
    nothing = np.zeros(len(catalog), bool)
    channel.refresh(replace(index, at=index.at + 3600.0, available_I=nothing), 0)
    assert channel._decoder is decoder
    assert (channel.recall(sample_requests(catalog), 10).items_BN == -1).all()


def test_the_state_after_a_refresh_does_not_depend_on_earlier_ones(catalog):
    index, requests = sample_index(catalog), sample_requests(catalog)
    last = replace(index, at=1e9 + 9 * DAY)
    direct, by_steps = fitted_channel(), fitted_channel()
    direct.refresh(last, 0)
    for at in (index.at, 1e9 + DAY, last.at):
        by_steps.refresh(replace(index, at=at), 0)
    one, other = (channel.recall(requests, 30) for channel in (direct, by_steps))
    np.testing.assert_array_equal(one.items_BN, other.items_BN)
    np.testing.assert_array_equal(one.scores_BN, other.scores_BN)


def test_a_cache_changes_no_answer_and_saves_the_model(catalog):
    requests = sample_requests(catalog, 60)
    cached, plain = fitted_channel(), fitted_channel()
    plain.adjust(small_spec(serving=ServingSpec(beams=8, cache=0)))
    for _ in range(2):
        one, other = cached.recall(requests, 20), plain.recall(requests, 20)
        np.testing.assert_array_equal(one.items_BN, other.items_BN)
        np.testing.assert_array_equal(one.scores_BN, other.scores_BN)
    assert plain._answers[0].computed == 2 * cached._answers[0].computed


def test_wider_beams_take_longer_and_other_settings_of_serving_need_no_training():
    narrow, wide = (small_spec(serving=ServingSpec(beams=n)) for n in (20, 100))
    assert narrow.learned() == wide.learned() == SMALL.learned()
    assert wide.service_time().base_s - narrow.service_time().base_s == pytest.approx(0.02)
    by_level = small_spec(serving=ServingSpec(beams=(10, 20, 50)))
    assert by_level.service_time().base_s == pytest.approx(0.010 + 50 * 0.00025)


def test_beams_for_another_number_of_levels_are_refused():
    with pytest.raises(ConfigError, match=r"serving.beams == \(5, 5\), must be one number or 3"):
        fitted_channel().adjust(small_spec(serving=ServingSpec(beams=(5, 5))))


def test_a_search_by_category_finds_only_ids_of_related_categories(catalog):
    requests = sample_requests(catalog)
    channel = fitted_channel()
    channel.learned = replace(channel.learned, related=replace(channel.learned.related, k=2))
    free = channel.recall(requests, 60)
    channel._texts.clear()
    channel.adjust(small_spec(serving=ServingSpec(beams=30, related_only=True)))
    bound = channel.recall(requests, 60)
    ids, related = channel.learned.ids, channel.learned.related
    vectors = channel.learned.vectors.queries([requests.texts[text] for text in requests.text_B])
    keep_BC = related.keep(vectors)
    strayed = 0
    for row in range(len(requests)):
        assert keep_BC[row, ids.codes_IL[items_of(bound, row), 0]].all()
        strayed += int(not keep_BC[row, ids.codes_IL[items_of(free, row), 0]].all())
    assert strayed
    assert (bound.items_BN >= 0).any()


def test_a_search_by_category_is_refused_for_ids_without_one():
    ids = SMALL.ids.model_copy(update={"scheme": "rqvae"})
    spec = small_spec(ids=ids, serving=ServingSpec(related_only=True))
    with pytest.raises(ConfigError, match=r"related_only == True, must be false for ids of rqvae"):
        spec.check()


def test_ids_of_a_learned_system_tell_whether_their_first_code_is_the_category():
    channel = fitted_channel()
    codes_IL = channel.learned.ids.codes_IL.copy()
    codes_IL[0, 0] = (codes_IL[0, 0] + 1) % channel.learned.ids.sizes[0]
    ids = SemanticIds(codes_IL, channel.learned.ids.sizes)
    channel.learned = replace(channel.learned, ids=ids)
    with pytest.raises(ConfigError, match="related_only == True, must be false"):
        channel.adjust(small_spec(serving=ServingSpec(related_only=True)))


def test_a_shelf_of_one_item_for_each_id_shows_as_many_items_as_ids(catalog):
    channel = fitted_channel()
    channel.adjust(small_spec(serving=ServingSpec(beams=5, shelves=ShelfSpec(cap=1))))
    found = channel.recall(sample_requests(catalog), 60)
    assert (found.items_BN >= 0).sum(axis=1).max() == 5


@pytest.mark.parametrize("n_items", [1, 2])
def test_a_catalogue_of_one_or_two_items_is_served(n_items):
    catalog = sample_catalog(n_items)
    channel = CqsidChannel(SMALL)
    channel.fit(catalog, sample_history(catalog, 20), rng=np.random.default_rng(0))
    found = channel.recall(sample_requests(catalog), 5)
    assert set(np.unique(found.items_BN)) <= {-1, *range(n_items)}
    assert (found.items_BN >= 0).any()


@pytest.mark.parametrize("category", [-1, 0])
def test_categories_all_unknown_or_all_equal_are_no_obstacle(category):
    catalog, history = tiny_shop()
    catalog = replace(catalog, category_I=np.full(len(catalog), category, np.int32))
    channel = CqsidChannel(SMALL)
    channel.fit(catalog, history, rng=np.random.default_rng(0))
    assert (channel.recall(sample_requests(catalog), 5).items_BN >= 0).any()


def test_training_that_was_cut_off_ends_as_one_that_was_not(tmp_path):
    catalog, history = tiny_shop()
    whole = learn(SMALL, catalog, history, rng=np.random.default_rng(3))

    class Cut(Exception):
        pass

    def cut(stage, course, steps):
        if stage == "query" and course.step == 1:
            raise Cut

    rng = np.random.default_rng
    with pytest.raises(Cut):
        learn(SMALL, catalog, history, rng=rng(3), workspace=tmp_path, progress=cut)
    told = []

    def tell(stage, course, steps):
        told.append(str(stage))

    resumed = learn(SMALL, catalog, history, rng=rng(3), workspace=tmp_path, progress=tell)
    assert told
    assert "item" not in told
    for one, other in zip(resumed.weights.layers, whole.weights.layers, strict=True):
        for name in ("norm", "qkv", "out", "gate_up", "down"):
            assert torch.equal(getattr(one, name), getattr(other, name))
    assert torch.equal(resumed.weights.embedding_VD, whole.weights.embedding_VD)
    np.testing.assert_array_equal(resumed.ids.codes_IL, whole.ids.codes_IL)


def test_made_pairs_change_what_is_learned_once_and_none_changes_nothing():
    catalog, history = tiny_shop()
    made = Synthetic(
        (history.texts[0], "never seen"),
        np.array([0, 1, 0], np.int32),
        np.array([0, 1, 2], np.int32),
        np.ones(3, np.float32),
    )
    none = Synthetic((), *(np.zeros(0, kind) for kind in (np.int32, np.int32, np.float32)))
    tables = []
    for pairs in ((), (none,), (made,), ()):
        channel = CqsidChannel(SMALL)
        channel.learn_with(pairs)
        channel.fit(catalog, history, rng=np.random.default_rng(0))
        tables.append(channel.learned.weights.embedding_VD)
    assert torch.equal(tables[0], tables[1])
    assert not torch.equal(tables[0], tables[2])
    assert torch.equal(tables[0], tables[3])
