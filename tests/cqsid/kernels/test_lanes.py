import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from cqsid.kernels import lanes
from cqsid.kernels.lanes import (
    LANES,
    add,
    fused,
    larger,
    largest,
    leading,
    load,
    multiply,
    spread,
    store,
    subtract,
    total,
)

A, B, C = np.random.default_rng(0).normal(size=(3, LANES)).astype(np.float32)


@njit
def each(a, b, c, found):
    x, y, z = load(a, 0, LANES), load(b, 0, LANES), load(c, 0, LANES)
    store(found[0], 0, LANES, add(x, y))
    store(found[1], 0, LANES, subtract(x, y))
    store(found[2], 0, LANES, multiply(x, y))
    store(found[3], 0, LANES, larger(x, y))
    store(found[4], 0, LANES, fused(x, y, z))
    store(found[5], 0, LANES, leading(x, 5, y))
    store(found[6], 0, LANES, spread(a[3]))
    return total(x), largest(x)


@njit
def copied(source, at, count, target):
    store(target, at, count, load(source, at, count))


@njit
def exponentials(x, found):
    for at in range(0, len(x), LANES):
        count = len(x) - at
        store(found, at, count, lanes.exponential(load(x, at, count)))


def test_every_lane_is_computed_by_itself():
    found = np.empty((7, LANES), np.float32)
    summed, highest = each(A, B, C, found)
    exact = A.astype(np.float64) * B + C
    expected = [A + B, A - B, A * B, np.maximum(A, B), exact.astype(np.float32)]
    expected += [np.concatenate([A[:5], B[5:]]), np.full(LANES, A[3])]
    np.testing.assert_array_equal(found, np.array(expected))
    assert summed == pytest.approx(A.sum(), rel=1e-6)
    assert highest == A.max()


@pytest.mark.parametrize("count", [-3, 0, 1, 7, 16, 40])
def test_lanes_beyond_the_count_are_neither_read_nor_written(count):
    source = np.arange(20, dtype=np.float32)
    source[max(2 + count, 2) :] = np.nan
    target = np.full(20, -1, np.float32)
    copied(source, 2, count, target)
    last = min(2 + max(count, 0), 18)
    np.testing.assert_array_equal(target[2:last], source[2:last])
    assert (target[:2] == -1).all()
    assert (target[last:] == -1).all()


def test_the_larger_of_a_number_and_no_number_is_the_second():
    a, b, found = A.copy(), B.copy(), np.empty((7, LANES), np.float32)
    a[0] = b[1] = np.nan
    each(a, b, C, found)
    assert found[3, 0] == B[0]
    assert np.isnan(found[3, 1])


def test_the_exponential_is_accurate_to_float32():
    x = -np.linspace(0, 86, 20_001).astype(np.float32)
    found = np.empty_like(x)
    exponentials(x, found)
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=3e-7)
    assert found[0] == 1
    exponentials(np.full(1, -1e30, np.float32), found)
    assert 0 < found[0] < 1e-37


KEPT = """
import numpy as np
from numba import njit
from lanes import compiled, load, total
@compiled
def ours(row): return total(load(row, 0, 16))
@njit(cache=True)
def plain(row): return total(load(row, 0, 16))
row = np.ones(16, np.float32)
print(*(int(found) for each in (ours, plain) for found in (each(row), len(each.stats.cache_hits))))
"""


def test_code_kept_on_disk_is_made_anew_once_the_file_of_lanes_has_changed(tmp_path):
    """Numba alone would keep it, as the function's own file has not changed."""
    text = Path(lanes.__file__).read_text()
    changed = text.replace("builder.fadd(a, b)", "builder.fsub(a, b)") + "# changed\n"
    folder, said = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}, []
    (tmp_path / "kept.py").write_text(KEPT)
    for lines in (text, None, changed):
        if lines is not None:
            (tmp_path / "lanes.py").write_text(lines)
        run = [sys.executable, "kept.py"]
        done = subprocess.run(run, cwd=tmp_path, env=folder, capture_output=True, check=True)
        said.append(done.stdout.strip())
    assert said == [b"16 0 16 0", b"16 1 16 1", b"0 0 16 1"]
