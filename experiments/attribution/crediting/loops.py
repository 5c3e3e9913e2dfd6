"""Compiled loops over rows sorted by arm and shopper; one shopper at a time is open.

`unit` holds the arm and number of the open shopper (-1: nobody), `sums` what they add up to so
far. `add_*` takes in N rows and flushes each shopper when the next one begins; `flush_*` adds the
open shopper to the sums over shoppers and empties `sums`.
"""

from numba import njit


@njit(cache=True, nogil=True)
def add_parts(  # type: ignore[no-untyped-def]
    arm_N, shopper_N, place_N, weight_NE, code_N, credit_MK, part_LJ, sums_PEV, seen_P, unit,
    units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK,
):  # fmt: skip
    """Add rows to `sums_PEV`, total and credits of the open shopper in P parts for E events.

    A row falls into the parts `part_LJ[place]`; its credits are row `code_N` of `credit_MK`, times
    the weight that it has in each kind of event. `seen_P` marks the shopper's parts; the other
    tables are those of `experiments.attribution.crediting.moments.Moments`.
    """
    credits = credit_MK.shape[1]
    for n in range(len(arm_N)):
        if unit[0] != arm_N[n] or unit[1] != shopper_N[n]:
            if unit[0] >= 0:
                flush_parts(
                    unit[0], sums_PEV, seen_P,
                    units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK,
                )  # fmt: skip
            unit[0], unit[1] = arm_N[n], shopper_N[n]
        for j in range(part_LJ.shape[1]):
            part = part_LJ[place_N[n], j]
            seen_P[part] = True
            for e in range(weight_NE.shape[1]):
                weight = weight_NE[n, e]
                if weight != 0.0:
                    sums_PEV[part, e, 0] += weight
                    for k in range(credits):
                        sums_PEV[part, e, 1 + k] += weight * credit_MK[code_N[n], k]


@njit(cache=True, nogil=True)
def flush_parts(  # type: ignore[no-untyped-def]
    arm, sums_PEV, seen_P, units_AP, having_APE, t_APE, tt_APE, x_APEK, xx_APEK, xt_APEK
):
    """Add the open shopper's total t and credits x to the sums of t, t^2, x, x^2 and x t."""
    for p in range(len(seen_P)):
        if not seen_P[p]:
            continue
        seen_P[p] = False
        units_AP[arm, p] += 1
        for e in range(sums_PEV.shape[1]):
            t = sums_PEV[p, e, 0]
            having_APE[arm, p, e] += t != 0.0
            t_APE[arm, p, e] += t
            tt_APE[arm, p, e] += t * t
            for k in range(x_APEK.shape[3]):
                x = sums_PEV[p, e, 1 + k]
                x_APEK[arm, p, e, k] += x
                xx_APEK[arm, p, e, k] += x * x
                xt_APEK[arm, p, e, k] += x * t
            sums_PEV[p, e, :] = 0.0


@njit(cache=True, nogil=True)
def add_products(  # type: ignore[no-untyped-def]
    arm_N, shopper_N, kind_N, code_N, credit_MRC, sums, unit, n_A, sum_ARV, gram_ARVV
):
    """Add rows to `sums`, (R, 3, 1 + C): total and credits by rule in exposure, click, purchase.

    Kind 0 is an exposure, 1 an exposure that was clicked, 2 a purchase.
    """
    for n in range(len(arm_N)):
        if unit[0] != arm_N[n] or unit[1] != shopper_N[n]:
            if unit[0] >= 0:
                flush_products(unit[0], sums, n_A, sum_ARV, gram_ARVV)
            unit[0], unit[1] = arm_N[n], shopper_N[n]
        low, high = (2, 3) if kind_N[n] == 2 else (0, 1 + kind_N[n])
        for e in range(low, high):
            for r in range(sums.shape[0]):
                sums[r, e, 0] += 1.0
                for c in range(credit_MRC.shape[2]):
                    sums[r, e, 1 + c] += credit_MRC[code_N[n], r, c]


@njit(cache=True, nogil=True)
def flush_products(arm, sums, n_A, sum_ARV, gram_ARVV):  # type: ignore[no-untyped-def]
    """Add the open shopper's sums, and their products with each other, to those of the arm."""
    n_A[arm] += 1
    for r in range(sums.shape[0]):
        value_V = sums[r].reshape(-1)
        for v in range(len(value_V)):
            if value_V[v] != 0.0:
                sum_ARV[arm, r, v] += value_V[v]
                for w in range(len(value_V)):
                    gram_ARVV[arm, r, v, w] += value_V[v] * value_V[w]
    sums[:] = 0.0
