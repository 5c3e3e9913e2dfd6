"""Shoppers of tests as statistics of arms, of one experiment or of many at once."""

import numpy as np
from scipy import special
from tea_tasting.aggr import Aggregates

from experiments.inference.metrics import Metric
from experiments.inference.reduction.arm import Arm

CONTRAST = ("control", "treatment")
GMV = Metric(name="gmv", numerator="gmv")
CVR = Metric(name="cvr", numerator="orders", denominator="clicks")


def aggregates(columns):
    """Statistics of shoppers, given their values by column."""
    names = sorted(columns)
    values_KN = np.array([columns[name] for name in names], float)
    n = values_KN.shape[1]
    cov_KK = np.atleast_2d(np.cov(values_KN)) if n > 1 else np.zeros((len(names),) * 2)
    mean_K = values_KN.mean(axis=1) if n else np.zeros(len(names))
    return _aggregates(n, names, mean_K, cov_KK)


def _aggregates(n, names, mean_K, cov_KK):
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    return Aggregates(
        n,
        dict(zip(names, mean_K.tolist(), strict=True)),
        dict(zip(names, np.diag(cov_KK).tolist(), strict=True)),
        {(names[i], names[j]): float(cov_KK[i, j]) for i, j in pairs},
    )


def arms(columns, treated_N, stratum_N=None):
    """Control and treatment of shoppers; `stratum_N` splits them."""
    sides = []
    for side_N in (~treated_N, treated_N):
        if stratum_N is None:
            sides.append(Arm(aggregates({name: each[side_N] for name, each in columns.items()})))
            continue
        split = {
            str(name): aggregates(
                {n: each[side_N & (stratum_N == name)] for n, each in columns.items()}
            )
            for name in np.unique(stratum_N[side_N])
        }
        sides.append(Arm.of(split))
    return sides


def many(columns_E, sizes):
    """Control and treatment of E experiments, of (E, N) values by column; control comes first."""
    names = sorted(columns_E)
    values_ENK = np.stack([columns_E[name] for name in names], axis=-1)
    sides = []
    for part_ENK in (values_ENK[:, : sizes[0]], values_ENK[:, sizes[0] : sum(sizes)]):
        n = part_ENK.shape[1]
        mean_EK = part_ENK.mean(axis=1)
        off_ENK = part_ENK - mean_EK[:, None]
        cov_EKK = off_ENK.transpose(0, 2, 1) @ off_ENK / (n - 1)
        sides.append(
            [Arm(_aggregates(n, names, *each)) for each in zip(mean_EK, cov_EKK, strict=True)]
        )
    return list(zip(*sides, strict=True))


def covers(found, truth, confidence=0.95):
    """Whether the interval of the effect holds the truth, of each of these means."""
    hits = []
    for means in found:
        half = -special.stdtrit(means.freedom, (1 - confidence) / 2) * means.error
        hits.append(abs(means.effect - truth) <= half)
    return np.array(hits)


def near(hits, rate=0.95, sigmas=4):
    """Whether a share of hits is a rate but for Monte Carlo error."""
    return abs(hits.mean() - rate) < sigmas * np.sqrt(rate * (1 - rate) / len(hits))
