"""What an algorithm is in a comparison: a control or none; and which control a policy has."""

from collections.abc import Sequence

from cqsid.alignment.settings import AlgorithmSpec
from experiments.records.rewards import Control, PolicyRow

_FREE = {
    *("preset", "group", "temperature"),
    *("kl_weight", "kl_estimator"),
    "experts",  # none in either
}
"""Settings in which a plain GRPO may differ from the preset."""


def control_kind(spec: AlgorithmSpec) -> str:
    """Which control an algorithm is, a value of `Control`, by what it does; "" for all others."""
    if spec.objective == "sft":
        return str(Control.SFT)
    plain = AlgorithmSpec(preset="grpo")
    same = spec.model_dump(exclude=_FREE) == plain.model_dump(exclude=_FREE)
    return str(Control.GRPO) if same and not spec.experts.count else ""


def experts_of(spec: AlgorithmSpec) -> str:
    """The experts that an algorithm learns from, such as "2 clicks by id"; "" for none.

    By id or by code: whether it is the probability of the whole id that is pushed, or the mean
    over its codes. Only equal experts can be pushed equally hard.
    """
    if not spec.experts.count:
        return ""
    unit = "id" if spec.ratio == "sequence" else "code"
    return f"{spec.experts.count} {spec.experts.source} by {unit}"


def matched_weight_of(spec: AlgorithmSpec) -> float | None:
    """Weight at which supervised learning pushes the experts as hard as the algorithm does.

    sqrt(G K) / (G + K) for K experts beside G tied ids of the policy, see
    `cqsid.alignment.objective.losses.matched_weight`, and its own `sft_weight`. None without
    experts, for a control, and where the push is not this one: advantages that are not standardised
    over the group or differ by code, ratios of experts that are not as if generated, and experts
    that only some groups get.
    """
    from cqsid.alignment.objective.losses import matched_weight

    experts = spec.experts
    way = (spec.objective, spec.advantage, spec.credit, spec.off_policy, spec.std)
    known = way == ("policy", "standardised", "sequence", "none", "population")
    if not experts.count or not known or experts.only_absent:
        return None
    stay = spec.group if experts.place == "add" else spec.group - experts.count
    if stay < 1:
        return None
    return matched_weight(stay, experts.count) + spec.sft_weight


def pairs(policies: Sequence[PolicyRow]) -> list[tuple[str, str]]:
    """Every policy with its controls: all but the SFT control with it, all others with GRPO."""
    found = []
    for row in policies:
        for kind in Control:
            control = control_of(row, kind, policies)
            trained = bool(row.algorithm) and row.control not in (Control.SFT, kind)
            if trained and control is not None:
                found.append((row.name, control.name))
    return found


def control_of(row: PolicyRow, kind: Control, policies: Sequence[PolicyRow]) -> PolicyRow | None:
    """A policy's control of a kind, None where the grid has none.

    Plain GRPO has to have the same reward. Supervised learning never asks the reward: the best is
    one with the same experts, then one with the matched weight, then one of the same reward.
    """
    known = [each for each in policies if each.control == kind]
    if kind is Control.GRPO:
        known = [each for each in known if each.reward == row.reward]
    return max(
        known,
        key=lambda each: (
            each.experts == row.experts,
            row.weight_matches(each),
            each.reward == row.reward,
        ),
        default=None,
    )
