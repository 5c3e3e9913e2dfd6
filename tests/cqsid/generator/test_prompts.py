import numpy as np

from cqsid.generator.prompts import Prompts


def test_trimming_leaves_off_only_columns_that_are_padding_in_every_row():
    tokens_BT = np.array([[5, 9, 8, 8], [5, 6, 9, 8]], np.int32)
    trimmed = Prompts(tokens_BT, np.array([2, 3])).trimmed()
    np.testing.assert_array_equal(trimmed.tokens_BT, tokens_BT[:, :3])
    assert trimmed.length_B.tolist() == [2, 3]


def test_no_prompts_trim_to_no_columns():
    none = Prompts(np.empty((0, 4), np.int32), np.empty(0, np.int64))
    assert none.trimmed().tokens_BT.shape == (0, 0)
