"""What is told of one rollout batch."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.alignment.advantages import tied_B
from cqsid.alignment.experts import present_B
from cqsid.alignment.losses import divergence
from cqsid.alignment.measures import distinct_B
from cqsid.alignment.objective import Loss
from cqsid.alignment.report import StepReading
from cqsid.alignment.rollout import Rollout
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.ids import SemanticIds, pack
from cqsid.rewards.logged import Logged
from simulator.catalog import Ints

Bools = NDArray[np.bool_]


def step_reading(
    *,
    step: int,
    algorithm: AlgorithmSpec,
    names: Sequence[str],
    rollout: Rollout,
    logged: Logged,
    ids: SemanticIds,
    logp_BGL: Tensor,
    entropy_BGL: Tensor,
    reference_BGL: Tensor,
    loss: Loss,
    gradient: float,
    seconds: float,
) -> StepReading:
    """Read off a step what `StepReading` tells.

    All of it is of the groups that were learned from: where experts replaced the worst generated
    ids, those are not in it, and reward and presence are of the ids that stayed. Codes that were
    forced count as generated, but for the divergence. A mean over nothing is 0.

    Args:
        step: steps taken, this one included.
        algorithm: how ties and the divergence are told.
        names: of the C rewards.
        rollout: the groups with their rewards.
        logged: the requests.
        ids: the id table.
        logp_BGL: log-probability of each code under the policy.
        entropy_BGL: its entropy at each code (nats).
        reference_BGL: log-probability under the supervised model.
        loss: of the last optimiser step.
        gradient: norm of the gradient before clipping.
        seconds: since the start.
    """
    group, generated_BG = rollout.group, rollout.generated_BG
    expert_BG = group.valid_BG & group.expert_BG
    first_codes, distinct = _variety(group.samples.codes_BGL, generated_BG, ids.sizes)
    tied = tied_B(
        torch.from_numpy(rollout.total_BG), torch.from_numpy(group.valid_BG), algorithm.tie
    )
    counted_BGL = generated_BG[..., None] & group.free_BGL
    return StepReading(
        step=step,
        loss=float(loss.total.detach()),
        reward=_mean(rollout.total_BG, generated_BG),
        parts={
            name: _mean(part_BG, generated_BG)
            for name, part_BG in zip(names, rollout.parts_CBG, strict=True)
        },
        expert_reward=_mean(rollout.total_BG, expert_BG) if expert_BG.any() else None,
        tied=float(tied.double().mean()),
        present=float(present_B(group.samples, generated_BG, logged, ids).mean()),
        entropy_L=tuple(
            _mean(each_BG, generated_BG) for each_BG in np.moveaxis(_array(entropy_BGL), 2, 0)
        ),
        first_codes=first_codes,
        distinct=distinct,
        kl=_divergence(logp_BGL, reference_BGL, counted_BGL, algorithm)
        / max(int(generated_BG.sum()), 1),
        clipped=float(loss.clipped),
        gradient=float(gradient),
        seconds=seconds,
    )


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return np.asarray(tensor.detach().double().cpu().numpy())


def _mean(values_BG: NDArray[np.floating], counted_BG: Bools) -> float:
    """Over the counted places."""
    kept = values_BG[counted_BG]
    return float(kept.mean(dtype=np.float64)) if len(kept) else 0.0


def _variety(codes_BGL: Ints, generated_BG: Bools, sizes: tuple[int, ...]) -> tuple[float, float]:
    """Mean distinct first codes of a request's ids, and distinct ids over their number."""
    number_B = generated_BG.sum(axis=1)
    some_B = number_B > 0
    if not some_B.any():
        return 0.0, 0.0
    key_BG = pack(codes_BGL.reshape(-1, codes_BGL.shape[2]), sizes).reshape(generated_BG.shape)
    first_B = distinct_B(codes_BGL[:, :, 0], generated_BG)[some_B]
    share_B = distinct_B(key_BG, generated_BG)[some_B] / number_B[some_B]
    return float(first_B.mean()), float(share_B.mean())


def _divergence(
    logp_BGL: Tensor, reference_BGL: Tensor, counted_BGL: Bools, spec: AlgorithmSpec
) -> float:
    """The estimates of all counted codes, summed; of codes that either model rules out, none."""
    policy_BGL, held_BGL = (each.detach().double().cpu() for each in (logp_BGL, reference_BGL))
    finite_BGL = policy_BGL.isfinite() & held_BGL.isfinite()
    kept_BGL = torch.from_numpy(counted_BGL) & finite_BGL
    kl_BGL = divergence(policy_BGL, held_BGL, spec.kl_estimator)
    return float(kl_BGL[kept_BGL].sum())
