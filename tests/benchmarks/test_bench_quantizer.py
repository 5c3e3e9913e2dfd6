"""The residual quantizer on one core, beside vector-quantize-pytorch and faiss.

Every test also checks what both sides computed: how evenly codes are used, how many items share
an id, and how much of the variance is lost.
"""

from dataclasses import replace
from functools import cache
from time import process_time
from typing import Any

import faiss
import numpy as np
import pytest
import torch

from cqsid.tokenizer.ids import pack
from cqsid.tokenizer.quality import items_per_id, p99, perplexity_L
from cqsid.tokenizer.quantize.residual import ResidualQuantizer
from recall.device import one_thread
from tests.cqsid.tokenizer.quantize.restored import restored, vectors_of

pytestmark = pytest.mark.benchmark(timer=process_time)

N, DIMENSIONS, CODES, LEVELS, TOPICS, RANK = 50_000, 384, 256, 3, 500, 64
SIZES = (CODES,) * LEVELS
EVEN = 0.7  # share of the codes that perplexity must reach
CROWD = 20  # items of an id, 99th percentile
PEER_PASSES, PEER_BATCH = 2, 8192
VECTORS = "vectors/s of one core"


@cache
def topics() -> np.ndarray:
    """Unit vectors around 500 directions of power-law popularity, with correlated noise."""
    rng = np.random.default_rng(0)
    share_T = 1 / np.arange(1, TOPICS + 1)
    topic_N = rng.choice(TOPICS, N, p=share_T / share_T.sum())
    centre_TD = rng.normal(size=(TOPICS, DIMENSIONS)) / DIMENSIONS**0.5
    mix_RD = rng.normal(size=(RANK, DIMENSIONS)) * np.arange(1, RANK + 1)[:, None] ** -0.5
    mix_RD /= np.linalg.norm(mix_RD)
    noise_ND = rng.normal(size=(N, RANK)) @ mix_RD
    noise_ND += 0.5 * rng.normal(size=(N, DIMENSIONS)) / DIMENSIONS**0.5
    x_ND = centre_TD[topic_N] + 0.5 * noise_ND
    return (x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True)).astype(np.float32)


@cache
def normal() -> np.ndarray:
    """Plain normal vectors, which have no clusters at all."""
    return np.random.default_rng(0).normal(size=(N, DIMENSIONS)).astype(np.float32)


DATA = {"topics": topics, "normal": normal}


def ours(x_ND: np.ndarray) -> ResidualQuantizer:
    quantizer = ResidualQuantizer()
    quantizer.fit(x_ND, SIZES, rng=np.random.default_rng(0))
    return quantizer


def residual_vq(x_ND: np.ndarray) -> Any:
    from vector_quantize_pytorch import ResidualVQ  # takes seconds, which collecting tests need not

    torch.manual_seed(0)
    peer = ResidualVQ(
        dim=DIMENSIONS,
        num_quantizers=LEVELS,
        codebook_size=CODES,
        kmeans_init=True,
        kmeans_iters=10,
        threshold_ema_dead_code=2,
        decay=0.99,
    )
    x = torch.from_numpy(x_ND)
    with one_thread(), torch.no_grad():
        for _ in range(PEER_PASSES):
            for rows in torch.randperm(N).split(PEER_BATCH):
                peer(x[rows][None])
    return peer.eval()


def residual_vq_codes(peer: Any, x_ND: np.ndarray) -> np.ndarray:
    with one_thread(), torch.no_grad():
        return peer(torch.from_numpy(x_ND)[None])[1][0].numpy()


def lost(x_ND: np.ndarray, decoded_ND: np.ndarray) -> float:
    """Share of the variance that decoding does not bring back."""
    return float(((x_ND - decoded_ND) ** 2).mean() / x_ND.var(axis=0).mean())


def figures(codes_NL: np.ndarray, error: float) -> dict[str, float]:
    counts = items_per_id(pack(codes_NL, SIZES))
    least = float(perplexity_L(codes_NL, SIZES).min())
    return {"perplexity": least, "p99": p99(counts), "error": error}


@pytest.mark.parametrize("data", DATA)
def test_fit(race, data):
    x_ND = DATA[data]()
    found = race(
        f"residual quantizer, fit, {N:,} x {DIMENSIONS} {data}, {LEVELS} x {CODES}",
        VECTORS,
        N,
        lambda: ours(x_ND),
        {"vector-quantize-pytorch": lambda: residual_vq(x_ND)},
        aim_ratio=1.5,
        rounds=2,
    )
    quantizer, peer = found["ours"], found["vector-quantize-pytorch"]
    codes_NL, peer_NL = quantizer.encode(x_ND), residual_vq_codes(peer, x_ND)
    decoded = peer.get_output_from_indices(torch.from_numpy(peer_NL)[None])[0].detach().numpy()
    mine = figures(codes_NL, lost(x_ND, restored(quantizer, codes_NL)))
    theirs = figures(peer_NL, lost(x_ND, decoded))
    assert mine["perplexity"] >= EVEN * CODES > theirs["perplexity"], (mine, theirs)
    assert mine["p99"] <= CROWD, (mine, theirs)
    assert mine["error"] <= 1.25 * theirs["error"], (mine, theirs)


def test_encode(race):
    x_ND = topics()
    quantizer, peer, index = ours(x_ND), residual_vq(x_ND), in_faiss(ours(x_ND))
    found = race(
        f"residual quantizer, encode, {N:,} x {DIMENSIONS}, {LEVELS} x {CODES}",
        VECTORS,
        N,
        lambda: quantizer.encode(x_ND),
        {
            "vector-quantize-pytorch": lambda: residual_vq_codes(peer, x_ND),
            "faiss, same codebooks": lambda: index.compute_codes(
                x_ND - quantizer.books.grid.mean_D
            ),
        },
        aim_ratio=4.0,
    )
    codes_NL, theirs_NL = found["ours"], found["faiss, same codebooks"].astype(np.int32)
    without_prices = quantizer_without_prices(quantizer).encode(x_ND)
    assert (without_prices == theirs_NL).all(axis=1).mean() > 0.97  # the rest: the grid's rounding
    assert np.array_equal(quantizer.encode(x_ND[123:124])[0], codes_NL[123])


def quantizer_without_prices(quantizer: ResidualQuantizer) -> ResidualQuantizer:
    plain = ResidualQuantizer()
    plain.books = replace(quantizer.books, price_K=np.zeros_like(quantizer.books.price_K))
    return plain


def in_faiss(quantizer: ResidualQuantizer) -> "faiss.ResidualQuantizer":
    """Our codebooks without prices as a faiss quantizer that takes the nearest code."""
    faiss.omp_set_num_threads(1)
    index = faiss.ResidualQuantizer(DIMENSIONS, LEVELS, int(np.log2(CODES)))
    index.max_beam_size = 1
    index.is_trained = True
    faiss.copy_array_to_vector(vectors_of(quantizer.books).ravel(), index.codebooks)
    return index
