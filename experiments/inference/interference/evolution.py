"""How the state of a population moves from day to day under a share of the treatment.

In causal message passing (Shirani and Bayati, PNAS 121, 2024, e2322232121) outcomes depend on those
of all others the day before, through a network that nobody knows. In large populations the mean of
the outcomes then follows a recursion of a few numbers, the state evolution: what it is tomorrow
depends on what it is today and on tomorrow's share of the treatment. Bayati, Luo, Overman, Shirani
and Xiong (arXiv 2411.00945, 2024) learn it from means and variances under a staggered roll-out;
Shirani et al. (arXiv 2502.01106, 2025) learn from subpopulations with shares of their own, too, so
that what the treatment does to a shopper and what it does through others are told apart.

Here the subpopulations are the cohorts k of the roll-out, who are in one arm each day. With m[k, t]
the mean of cohort k and m[t] that of all, w[k, t] whether the cohort is treated and p[t] the share
of those who are, the mean is learned by least squares as

    m[k, t+1] = a + b m[t] + c p[t+1] + d w[k, t+1]
                [+ e m[k, t]]                                          own
                [+ f m[t] p[t+1] + g m[t] w[k, t+1]]                   product
                [+ h v[t]]                                             variance

where v is the variance, which is learned likewise from the same terms. Rows count by the size of
their cohort. The terms are those of the authors' package (github.com/CausalMP, `FeatureEngineering`
with one lag) but for the product with w, which has all of m[t] in it and not the cohort's; that
cohorts are the subpopulations, the weights and plain least squares for a ridge are this house's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.interference.rollout import MEAN, VARIANCE, RollOut

Floats = NDArray[np.float64]

RANK = 1e-9
"""Singular values below this part of the largest count as 0: the terms cannot be told apart."""


@dataclass(frozen=True)
class Evolution:
    """Which terms the next day's state is made of; see the module.

    Attributes:
        own: also the cohort's own state: shoppers who buy today are others than tomorrow's.
        product: also products of state and treatment: what others do moves the two arms unlike.
        variance: also the variance of outcomes, which is a part of the state then.
    """

    own: bool = False
    product: bool = False
    variance: bool = False

    @property
    def moments(self) -> int:
        """M, of the state."""
        return 2 if self.variance else 1

    def terms(
        self, state_XKM: Floats, part_XK: Floats, treated_XK: Floats, treated_X: Floats
    ) -> Floats:
        """The terms of the next day, from a day's state.

        Args:
            state_XKM: (..., K, M) of each cohort today.
            part_XK: (..., K) part of the shoppers that each cohort is.
            treated_XK: (..., K) 1 for cohorts that are treated tomorrow, else 0.
            treated_X: (...) share of the shoppers who are treated tomorrow.

        Returns:
            (..., K, F) the terms.
        """
        mean_X1 = (part_XK * state_XKM[..., MEAN]).sum(axis=-1)[..., None]
        shape = np.broadcast_shapes(state_XKM.shape[:-1], treated_XK.shape)
        found = [np.ones(shape), mean_X1, treated_X[..., None], treated_XK]
        if self.own:
            found.append(state_XKM[..., MEAN])
        if self.product:
            found += [mean_X1 * treated_X[..., None], mean_X1 * treated_XK]
        if self.variance:
            raw_XK = state_XKM[..., VARIANCE] + state_XKM[..., MEAN] ** 2
            found.append((part_XK * raw_XK).sum(axis=-1)[..., None] - mean_X1**2)
        return np.stack([np.broadcast_to(each, shape) for each in found], axis=-1)

    def steps(
        self, rollout: RollOut, times_RG: Floats | None, kept_T: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats]:
        """Terms and outcomes of all steps from a day to the next, weighted by sizes of cohorts.

        Args:
            rollout: what has happened.
            times_RG: (R, G) how often each group counts; None: once.
            kept_T: (T - 1) which steps are learned from; None: all.

        Returns:
            (R, N, F) the terms and (R, N, M) the next states; N are steps and cohorts.
        """
        part_RK = rollout.parts(times_RG)
        state_RTKM = rollout.moments(times_RG)[..., : self.moments].swapaxes(1, 2)
        treated_TK = rollout.treated_KT.T[None, 1:]
        treated_RT = part_RK @ rollout.treated_KT[:, 1:]
        terms_RTKF = self.terms(state_RTKM[:, :-1], part_RK[:, None], treated_TK, treated_RT)
        size_RTK1 = np.sqrt(part_RK)[:, None, :, None]
        kept_T = np.ones(rollout.days - 1, bool) if kept_T is None else kept_T
        rows = len(part_RK), -1
        terms_RNF = (size_RTK1 * terms_RTKF)[:, kept_T].reshape(*rows, terms_RTKF.shape[-1])
        next_RNM = (size_RTK1 * state_RTKM[:, 1:])[:, kept_T].reshape(*rows, self.moments)
        return terms_RNF, next_RNM

    def known(self, rollout: RollOut, kept_T: NDArray[np.bool_] | None = None) -> bool:
        """Whether the roll-out tells all coefficients: no term follows from the others."""
        terms_NF = self.steps(rollout, None, kept_T)[0][0]
        length_F = np.linalg.norm(terms_NF, axis=0)
        if not (length_F > 0).all():
            return False
        return bool(np.linalg.matrix_rank(terms_NF / length_F, rtol=RANK) == terms_NF.shape[1])

    def learned(
        self,
        rollout: RollOut,
        *,
        times_RG: Floats | None = None,
        kept_T: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """(R, F, M) the coefficients; arguments as of `steps`."""
        terms_RNF, next_RNM = self.steps(rollout, times_RG, kept_T)
        length_R1F = np.linalg.norm(terms_RNF, axis=1, keepdims=True)
        length_R1F[length_R1F == 0] = 1.0
        scaled_RFM = np.linalg.pinv(terms_RNF / length_R1F, rcond=RANK) @ next_RNM
        return np.asarray(scaled_RFM / length_R1F.swapaxes(1, 2))

    def rolled(
        self, coefficient_RFM: Floats, start_RKM: Floats, part_RK: Floats, treated_KT: Floats
    ) -> Floats:
        """The states that follow from a first one.

        Args:
            coefficient_RFM: as learned.
            start_RKM: (R, K, M) state of each cohort on the day before.
            part_RK: (R, K) part of the shoppers that each cohort is.
            treated_KT: (K, T) 1 where a cohort is treated on a day, else 0.

        Returns:
            (R, K, T, M) the states of these days.
        """
        states, state_RKM = [], start_RKM
        for treated_K in treated_KT.T:
            terms_RKF = self.terms(state_RKM, part_RK, treated_K[None], part_RK @ treated_K)
            state_RKM = terms_RKF @ coefficient_RFM
            states.append(state_RKM)
        return np.stack(states, axis=2)
