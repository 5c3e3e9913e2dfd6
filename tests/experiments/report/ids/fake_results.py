"""A bench that never ran: ids, beams and hits drawn by chance at levels that are chosen."""

import numpy as np

from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.readings import CLUSTER_BINS, Reading
from experiments.idsbench.results import make_record
from experiments.records.ids import Mode, Quality

SPEC = IdsBenchSpec(deepest=100)
LEVELS = {  # hit rate at beam 1, and growth per decade of the beam, of each scheme
    "rqvae": (0.060, 0.21),
    "cqsid_no_category": (0.068, 0.23),
    "cqsid_no_contrast": (0.060, 0.235),
    "cqsid": (0.078, 0.26),
    "random": (0.012, 0.06),
}
SIZES = {
    "rqvae": 15.0,
    "cqsid_no_category": 14.0,
    "cqsid_no_contrast": 25.0,
    "cqsid": 28.0,
    "random": 5.0,
}


def fake_reading(spec, scheme, mode, seed, shopper_B):
    """Hits nested in the beam, with luck of shopper, request and seed shared by the schemes."""
    common = np.random.default_rng((7, mode == Mode.PERSONALISED))
    shopper = common.normal(0, 0.04, shopper_B.max() + 1)[shopper_B]
    place_B = common.random(len(shopper_B))
    own = np.random.default_rng((sum(map(ord, scheme)), seed, mode == Mode.PERSONALISED))
    place_B = np.where(own.random(len(place_B)) < 0.15, own.random(len(place_B)), place_B)
    start, growth = LEVELS.get(scheme, (0.05, 0.2))
    lift = 1.6 if mode == Mode.PERSONALISED else 1.0
    luck = own.normal(0, 0.004)
    every = np.arange(1, spec.widest + 1)
    rate_N = lift * (start + growth * np.log10(every) + luck)
    hit_BN = (place_B[:, None] < rate_N + shopper[:, None]).astype(float)
    size = SIZES.get(scheme, 20.0)
    full = max(1, int(spec.item_limit / size))
    capped_BN = hit_BN[:, np.minimum(every, full) - 1]
    at = np.array(spec.widths) - 1
    budget_beam = spec.serving_beam - (10 if scheme == "random" else 0)

    def recall(beam):
        """Item recall at each size, from at most so many ids."""
        ids = [max(1, min(beam, int(k / size))) for k in spec.recall_sizes]
        return hit_BN[:, np.array(ids) - 1]

    return Reading(
        scheme=scheme,
        mode=mode,
        seed=seed,
        hit_BW=hit_BN[:, at],
        capped_BW=capped_BN[:, at],
        items_BK=recall(spec.widest),
        beam_BK=recall(spec.serving_beam),
        compute_BK=recall(budget_beam),
        compute_beam=budget_beam,
        capped_N=capped_BN.mean(axis=0),
        returned_N=size * every**0.95,
        positions_N=24.0 + np.minimum(every, 40) + every,
        without_id=0.0 if scheme != "random" else 0.021,
        unreached=0.31 if scheme == "rqvae" else 0.24,
        decode_s=0.0041,
    )


def fake_ids(scheme, seed):
    """Shapes of ids of no catalogue at all."""
    rng = np.random.default_rng(seed)
    semantic = scheme != "random"
    shares = rng.dirichlet(np.array([2.0, 4, 8, 5, 2, 0.4]) if semantic else [30.0, 4, 1, 1, 1, 1])
    assert len(shares) == len(CLUSTER_BINS) + 1
    perplexity = np.array([62.0, 140.0, 151.0]) * (1 if semantic else 1.4) + rng.normal(0, 2, 3)
    return Quality(
        scheme=scheme,
        seed=seed,
        sizes=(108, 256, 256),
        ids=2400 if semantic else 9800,
        perplexity_L=tuple(perplexity.tolist()),
        gini=0.52 if semantic else 0.02,
        p99=38.0 if semantic else 2.0,
        largest=131 if semantic else 3,
        purity=0.87 if semantic else 0.11,
        embedding_hit=0.41 if semantic else None,
        cluster_shares=tuple(shares.tolist()),
        training_s=311.0 + seed,
    )


def fake_record(spec=SPEC, *, requests=1500, modes=tuple(Mode), name="fake", seeds=None):
    """The record of such a bench."""
    rng = np.random.default_rng(0)
    shopper_B = np.sort(rng.integers(0, max(2, requests // 2), requests))
    seeds = range(1, 1 + (seeds or spec.seeds))
    readings = [
        fake_reading(spec, scheme, mode, seed, shopper_B)
        for scheme in spec.schemes
        for mode in modes
        for seed in seeds
    ]
    shapes = [fake_ids(scheme, seed) for scheme in spec.schemes for seed in seeds]
    return make_record(spec, readings, shapes, shopper_B, name=name, items=10_000)
