import numpy as np

from cqsid.rewards.fixtures import groups_of, sample_groups, sample_logged, sample_shop


def test_the_sample_holds_what_rewards_stumble_over():
    shop, logged = sample_shop(), sample_logged()
    samples = sample_groups(logged, shop)
    sizes = np.diff(shop.shelves.pointer_S)
    assert sizes[-2] == 0
    assert set(sizes.tolist()) >= {0, 1, 2}
    assert (shop.ids.sid_I[-2:] == -1).all()
    assert (logged.clicked.lengths == 0).any()
    assert (logged.clicked.lengths > 1).any()
    assert (logged.bought.lengths > 0).any()
    assert "" in [logged.requests.texts[text] for text in logged.requests.text_B]
    assert (samples.sid_BG[:, 1] == samples.sid_BG[:, 2]).all()
    assert (samples.sid_BG == -1).any()
    assert (samples.codes_BGL < shop.ids.sizes).all()


def test_codes_belong_to_the_ids_and_no_item_has_the_others():
    shop = sample_shop()
    sid_BG = np.array([[0, 3, -1]], np.int32)
    codes_BGL = groups_of(sid_BG, shop).codes_BGL
    np.testing.assert_array_equal(codes_BGL[0, :2], shop.ids.sids_SL[[0, 3]])
    assert not (shop.ids.codes_IL == codes_BGL[0, 2]).all(axis=1).any()


def test_the_sample_is_the_same_each_time():
    one, other = sample_shop(), sample_shop()
    np.testing.assert_array_equal(one.item_ID, other.item_ID)
    np.testing.assert_array_equal(
        sample_groups(sample_logged(), one).sid_BG, sample_groups(sample_logged(), other).sid_BG
    )
