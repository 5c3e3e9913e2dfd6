import numpy as np

from cqsid.tokenizer.quantize.lloyd import balanced, distinct_rows, lloyd, means_of, nearest


def blobs(counts, seed=0):
    """Tight integer clusters at distinct corners, of the given sizes."""
    rng = np.random.default_rng(seed)
    centre_CD = rng.choice([-100, 100], (len(counts), 16))
    label_N = np.repeat(np.arange(len(counts)), counts)
    return (centre_CD[label_N] + rng.integers(-3, 4, (len(label_N), 16))).astype(np.int8), label_N


def test_the_nearest_mean_equals_brute_force_with_prices():
    rng = np.random.default_rng(0)
    x_ND = rng.integers(-127, 128, (50, 12)).astype(np.int8)
    means_KD = rng.integers(-127, 128, (9, 12)).astype(np.float32)
    means_KD[0, 0] = 127
    price_K = rng.uniform(0, 5e4, 9).astype(np.float32)
    d_NK = ((x_ND[:, None].astype(float) - means_KD) ** 2).sum(axis=2) + price_K
    np.testing.assert_array_equal(nearest(x_ND, means_KD, price_K), d_NK.argmin(axis=1))


def test_means_are_of_each_codes_vectors_and_nan_without_any():
    x_ND = np.array([[1, 3], [2, 4], [100, -100]], np.int8)
    found_KD = means_of(x_ND, np.array([0, 0, 2], np.int32), 3)
    np.testing.assert_array_equal(found_KD, [[1.5, 3.5], [np.nan, np.nan], [100, -100]])


def test_k_means_finds_well_separated_clusters():
    x_ND, label_N = blobs([40, 40, 40])
    rng = np.random.default_rng(1)
    means_KD = lloyd(x_ND, distinct_rows(x_ND, rng), 12, rows=100, iterations=8, rng=rng)
    code_N = nearest(x_ND, means_KD)
    for code in np.unique(code_N):
        assert len(set(label_N[code_N == code])) == 1


def test_equal_rows_are_told_to_be_equal():
    x_ND = np.array([[1, 2], [3, 4], [1, 2], [3, 5], [3, 4]], np.int8)
    assert distinct_rows(x_ND, np.random.default_rng(0)).tolist() == [0, 1, 3]


def test_rows_that_differ_by_one_step_are_distinct():
    x_ND = np.zeros((401, 200), np.int8)
    x_ND[np.arange(200), np.arange(200)] = 1
    x_ND[np.arange(200, 400), np.arange(200)] = -1
    assert len(distinct_rows(x_ND, np.random.default_rng(0))) == 401


def test_balancing_never_lowers_the_evenness_it_reports():
    rng = np.random.default_rng(0)
    x_ND = np.clip(rng.normal(0, 20, (600, 8)) ** 3 / 400, -127, 127).astype(np.int8)
    distinct_N = distinct_rows(x_ND, rng)
    means_KD = lloyd(x_ND, distinct_N, 8, rows=600, iterations=5, rng=rng)
    moved_KD, price_K = balanced(x_ND, distinct_N, means_KD, rng)
    plain, priced = (
        np.bincount(nearest(x_ND, means, price), minlength=8)
        for means, price in ((means_KD, None), (moved_KD, price_K))
    )
    assert priced.std() < 0.7 * plain.std()
