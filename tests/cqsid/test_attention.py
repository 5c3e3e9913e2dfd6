import numpy as np
import pytest
import torch

from cqsid.attention import _attend_anywhere, _rotate_anywhere, attend, rotate
from cqsid.transformer import rotary_angle
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


@pytest.mark.parametrize(("heads", "key_heads", "size"), [(4, 4, 8), (6, 2, 16), (3, 1, 4)])
@pytest.mark.parametrize("ancestors", [0, 1, 3])
def test_the_kernel_computes_what_torch_computes(heads, key_heads, size, ancestors):
    start_A, stop_A = places(0, 0, 0, 5, 5, 30), places(5, 3, 1, 30, 6, 37)
    path_AE = torch.randint(0, 60, (6, ancestors), generator=torch.Generator().manual_seed(0))
    query_AHD, pool_SGD = drawn(6, heads, size), drawn(60, 2 * key_heads, size, seed=1)
    arguments = (query_AHD, pool_SGD, start_A, stop_A, path_AE)
    torch.testing.assert_close(
        attend(*arguments), _attend_anywhere(*arguments), rtol=1e-5, atol=1e-5
    )


def test_scores_far_apart_neither_overflow_nor_vanish():
    query_AHD = torch.full((1, 1, 2), 100.0)
    pool_SGD = torch.tensor([[[9.0, 9.0], [1.0, 2.0]], [[-9.0, -9.0], [5.0, 5.0]]])
    nothing = torch.empty((1, 0), dtype=torch.int64)
    found = attend(query_AHD, pool_SGD, places(0), places(2), nothing)
    assert found.tolist() == [[1.0, 2.0]]


def test_the_rotation_computes_what_torch_computes_and_keeps_values():
    heads, key_heads, size, tokens = 4, 2, 8, 5
    packed_VQ, take_A = drawn(7, (heads + 2 * key_heads) * size), places(6, 0, 3, 3, 1)
    angle_AJ = rotary_angle(places(0, 4, 9, 2, 30), size, 10_000.0)
    turn_AJ, found = (angle_AJ.cos(), angle_AJ.sin()), []
    for turn in (rotate, _rotate_anywhere):
        query, pool = torch.empty(tokens, heads, size), torch.empty(tokens, 2 * key_heads, size)
        turn(packed_VQ, take_A, turn_AJ, query, pool)
        found.append((query, pool))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    values = packed_VQ[take_A, (heads + key_heads) * size :].view(tokens, key_heads, size)
    assert torch.equal(found[0][1][:, key_heads:], values)


def test_what_a_prompt_gets_does_not_depend_on_its_neighbours():
    pool_SGD, query_AHD = drawn(40, 8, 8), drawn(6, 4, 8, seed=1)
    start_A, stop_A, path_AE = (
        places(0, 0, 9, 9, 9, 20),
        places(9, 9, 20, 20, 20, 40),
        places(*[[n, 2 * n] for n in range(6)]),
    )
    together = attend(query_AHD, pool_SGD, start_A, stop_A, path_AE)
    for rows in (slice(0, 2), slice(2, 5), slice(5, 6)):
        alone = attend(query_AHD[rows], pool_SGD, start_A[rows], stop_A[rows], path_AE[rows])
        assert torch.equal(alone, together[rows])
