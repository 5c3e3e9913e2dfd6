import numpy as np
import pytest
import torch

from cqsid.generator.transformer import rotary_angle
from cqsid.kernels.attention import (
    Tokens,
    _attend_plainly,
    _remember_plainly,
    attend,
    remember,
)
from recall.device import one_thread


@pytest.fixture(autouse=True)
def alone():
    """One thread: others would only wait for each other over products this small."""
    with one_thread():
        yield


def drawn(*shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.from_numpy(values.astype(np.float32))


def places(*rows):
    return torch.tensor(rows, dtype=torch.int64)


def tokens(count, heads, key_heads, size, seed=0, rows=7):
    """Some tokens anywhere, of a few packed rows."""
    make = torch.Generator().manual_seed(seed)
    angle_PJ = rotary_angle(torch.arange(20), size, 10_000.0)
    return Tokens(
        drawn(rows, (heads + 2 * key_heads) * size, seed=seed),
        torch.randint(0, rows, (count,), generator=make),
        torch.randint(0, 20, (count,), generator=make),
        (angle_PJ.cos(), angle_PJ.sin()),
    )


SHAPES = [(4, 4, 8), (6, 2, 16), (3, 1, 4), (4, 2, 24), (2, 2, 40)]
shapes = pytest.mark.parametrize(("heads", "key_heads", "size"), SHAPES)


@shapes
@pytest.mark.parametrize("ancestors", [0, 1, 3])
def test_the_kernel_computes_what_torch_computes(heads, key_heads, size, ancestors):
    start_A, stop_A = places(0, 0, 0, 5, 5, 30, 30), places(5, 3, 1, 30, 6, 46, 37)
    path_AE = torch.randint(0, 60, (7, ancestors), generator=torch.Generator().manual_seed(0))
    pool_SGD = drawn(60, 2 * key_heads, size, seed=1)
    arguments = (tokens(7, heads, key_heads, size), pool_SGD, start_A, stop_A, path_AE)
    torch.testing.assert_close(
        attend(*arguments), _attend_plainly(*arguments), rtol=1e-5, atol=1e-5
    )


def test_scores_far_apart_neither_overflow_nor_vanish():
    packed_VQ = torch.tensor([[300.0, 300.0, 0.0, 0.0, 0.0, 0.0]])
    still = (torch.ones(1, 1), torch.zeros(1, 1))
    pool_SGD = torch.tensor([[[9.0, 9.0], [1.0, 2.0]], [[-9.0, -9.0], [5.0, 5.0]]])
    nothing = torch.empty((1, 0), dtype=torch.int64)
    one = Tokens(packed_VQ, places(0), places(0), still)
    assert attend(one, pool_SGD, places(0), places(2), nothing).tolist() == [[1.0, 2.0]]


@shapes
def test_what_is_remembered_is_what_torch_computes(heads, key_heads, size):
    some, found = tokens(5, heads, key_heads, size), []
    for way in (remember, _remember_plainly):
        pool_AGD = torch.empty(5, 2 * key_heads, size)
        way(some, pool_AGD)
        found.append(pool_AGD)
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-6)
    values = some.packed_VQ[some.take_A, (heads + key_heads) * size :].view(5, key_heads, size)
    assert torch.equal(found[0][:, key_heads:], values)


def test_what_a_prompt_gets_does_not_depend_on_its_neighbours():
    some, pool_SGD = tokens(6, 4, 4, 8), drawn(40, 8, 8)
    start_A, stop_A, path_AE = (
        places(0, 0, 9, 9, 9, 20),
        places(9, 9, 20, 20, 20, 40),
        places(*[[n, 2 * n] for n in range(6)]),
    )
    together = attend(some, pool_SGD, start_A, stop_A, path_AE)
    for rows in (slice(0, 2), slice(2, 5), slice(5, 6)):
        part = (start_A[rows], stop_A[rows], path_AE[rows])
        alone = attend(some.only(torch.arange(6)[rows]), pool_SGD, *part)
        assert torch.equal(alone, together[rows])
