"""Each kernel on one core, beside its plain-torch twin, at the sizes of a search and a training.

A kernel stays in the table of `cqsid.kernels.choice` only where it gains 1.3 times or more.
"""

from functools import partial
from time import process_time

import numpy as np
import pytest
import torch

from cqsid.generator.transformer import rotary_angle
from cqsid.kernels import choice
from cqsid.kernels.attention import Tokens, attend, remember
from cqsid.kernels.integers import IntegerProduct
from cqsid.kernels.logsumexp import Partition, log_partition
from cqsid.kernels.matmul import Product, linear
from recall.device import one_thread
from tests.benchmarks.table import Row
from tests.cqsid.kernels.sets import go

LEAST, TURNS = 1.3, 31
ROWS, WIDTH, WIDE, TOKENS = 3200, 128, 512, 6782  # beams of a batch, and sizes of the model
PROMPTS, LENGTH, HEADS, SIZE = 64, 12, 4, 32
MAKE = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(*shape, generator=MAKE)


def attention():
    """Fifty beams behind each prompt, one code deep."""
    angle_PJ = rotary_angle(torch.arange(2 * LENGTH), SIZE, 1e4)
    start_A = torch.arange(PROMPTS).repeat_interleave(ROWS // PROMPTS) * LENGTH
    first = PROMPTS * LENGTH
    turn_PJ = (angle_PJ.cos(), angle_PJ.sin())
    packed_VQ, rows_A = drawn(ROWS, 3 * HEADS * SIZE), torch.arange(ROWS)
    tokens = Tokens(packed_VQ, rows_A, torch.full((ROWS,), LENGTH), turn_PJ)
    pool_SGD, new_AGD = drawn(first + ROWS, 2 * HEADS, SIZE), drawn(ROWS, 2 * HEADS, SIZE)
    places = (start_A, start_A + LENGTH, first + rows_A[:, None])
    return {
        "attend": partial(attend, tokens, pool_SGD, *places),
        "remember": partial(remember, tokens, new_AGD),
    }


def trained(function, x_ND, weight_OD):
    """A function of rows and a matrix with both gradients."""
    leaves = [x_ND.requires_grad_(), weight_OD.requires_grad_()]
    return lambda: torch.autograd.grad(function(*leaves).sum(), leaves)


def logsumexp():
    logits_AV = drawn(ROWS, 2048).numpy()
    return {"sum of exponentials, 2,048 logits": lambda: Partition(logits_AV).log()}


def partition():
    call = trained(log_partition, drawn(1088, WIDTH), drawn(TOKENS, WIDTH))
    return {"softmax over all tokens, trained": call}


def matmul():
    x_ND, product = drawn(ROWS, WIDTH), Product(drawn(WIDE, WIDTH))
    return {
        "product, served": torch.inference_mode()(lambda: product(x_ND)),
        "product, trained": trained(linear, drawn(ROWS, WIDTH), drawn(WIDE, WIDTH)),
    }


def integers():
    rng = np.random.default_rng(0)
    x_ND, y_KD = (rng.integers(-127, 128, (rows, 384)).astype(np.int8) for rows in (512, 256))
    times_y = IntegerProduct(y_KD)
    return {"product of bytes, 512 x 384 x 256": lambda: times_y(x_ND)}


MAKERS = {
    "attention": attention, "integers": integers, "log_partition": partition,
    "logsumexp": logsumexp, "matmul": matmul,
}  # fmt: skip


@pytest.mark.benchmark
@pytest.mark.parametrize("kernel", choice.TABLE)
def test_a_kernel_beside_its_plain_twin(kernel, report, monkeypatch):
    here, calls, seconds = choice.instruction_set(), {}, {}
    with one_thread():
        for instructions in (here, "torch"):
            go(monkeypatch, instructions)
            calls[instructions] = MAKERS[kernel]()
            for call in calls[instructions].values():
                call()  # compiles and warms
        for _ in range(TURNS):
            for instructions, made in calls.items():
                go(monkeypatch, instructions)
                for what, call in made.items():
                    start = process_time()
                    call()
                    spent = process_time() - start
                    seconds.setdefault((what, instructions), []).append(spent)
    go(monkeypatch, here)
    chosen = choice.way(kernel)
    for what in calls[here]:
        ours, plain = (np.array(seconds[what, each]) for each in (here, "torch"))
        rate, ratio = 1 / np.median(ours), float(np.median(plain / ours))
        theirs = rate / ratio
        met = None if chosen == "torch" else ratio >= LEAST
        aim = "" if chosen == "torch" else f">= {LEAST}x"
        row = (f"kernel {kernel} by {chosen}: {what}", rate, "calls/s of one core", "plain torch")
        report(Row(*row, theirs, aim=aim, met=met))
