"""Which way of learning from rewards: every published algorithm is a composition of these."""

from typing import Any, Literal

from pydantic import Field, model_validator

from cqsid.alignment.presets import PRESETS
from simulator.spec import Spec


class ExpertSpec(Spec):
    """Ground-truth ids that join each group as if they had been generated."""

    count: int = Field(0, ge=0, description="K: experts of a request, fewer where it has fewer")
    source: Literal["clicks", "exposures", "mixed"] = Field(
        "clicks",
        description="ids of clicked items; of exposed items; mixed: half of them (the greater "
        "half) clicked, the others exposed and not clicked. What is missing of one is not made "
        "up by the other. Drawn without repeats, evenly; the paper leaves the draw open",
    )
    place: Literal["add", "within", "replace_worst"] = Field(
        "add",
        description="add: 8 + K in a group, as printed examples suggest; within: 8 in all, the "
        "policy generates fewer; replace_worst: the group's worst ids make room. Open in the "
        "paper",
    )
    only_absent: bool = Field(
        False, description="inject an expert only where the policy has not generated its id"
    )


class AlgorithmSpec(Spec):
    """A way of learning from rewards.

    `preset` fills what is not set. Sources of the presets: `cqsid.alignment.presets`.
    """

    preset: str | None = Field(None, description="a published algorithm; what is set overrules it")
    objective: Literal["policy", "sft", "dpo"] = Field(
        "policy",
        description="policy: clipped policy gradient; sft: the experts' likelihood; dpo: "
        "preference of a group's best id over its worst",
    )
    group: int = Field(8, ge=1, description="G: ids of a group without added experts")
    experts: ExpertSpec = Field(ExpertSpec(), description="injected ids")
    advantage: Literal["standardised", "centred", "separate"] = Field(
        "standardised",
        description="standardised: (R - mean) / (std + eps) over the group; centred: without the "
        "division (Dr.GRPO); separate: each reward standardised by itself, then summed, then "
        "standardised over the batch (GDPO)",
    )
    credit: Literal["sequence", "level", "prefix", "gated", "list"] = Field(
        "sequence",
        description="sequence: one advantage for all codes; level: each code's own reward, or the "
        "mean reward of the group's ids behind it where rewards have none for codes, normalised "
        "per level; prefix: the sequence's, weighted per level; gated: per level, weighted, times "
        "the share of the codes before that are right; list: the group is cut into lists that "
        "are judged as wholes",
    )
    level_weights: tuple[float, ...] = Field(
        (),
        description="weight of each level for prefix and gated credit, the last one for all that "
        "follow; none: all equal",
    )
    list_size: int = Field(4, ge=2, description="ids of a list, for list credit")
    ratio: Literal["token", "sequence", "sequence_mean"] = Field(
        "token",
        description="importance ratio of each code (GRPO), of the whole id (EG-GRPO as printed), "
        "or its geometric mean over codes (GSPO)",
    )
    clip_low: float = Field(0.2, gt=0, le=1, description="ratios are clipped below 1 minus this")
    clip_high: float = Field(0.2, gt=0, description="and above 1 plus this")
    drop_tied: bool = Field(
        False, description="average over untied groups alone (DAPO; tied ones are not redrawn)"
    )
    off_policy: Literal["none", "luffy", "propensity"] = Field(
        "none",
        description="ratio of experts: none: as if generated; luffy: the probability itself, "
        "shaped and not clipped; propensity: probability over the log's known propensity",
    )
    luffy_shape: float = Field(0.1, gt=0, description="gamma of x / (x + gamma)")
    propensity_cap: float = Field(10.0, gt=0, description="greatest ratio to a propensity")
    mask_shared_prefix: bool = Field(
        False,
        description="no push down on codes that an id of the group with a positive advantage "
        "begins with too",
    )
    guided_levels: int = Field(
        0,
        ge=0,
        description="first codes forced to those of a clicked item (an exposed one without "
        "clicks); only the sampled rest is learned from (guided replay)",
    )
    kl_weight: float = Field(
        1.0, ge=0, description="weight of the divergence from the supervised model"
    )
    kl_estimator: Literal["k1", "k2", "k3"] = Field(
        "k3", description="estimator of the divergence from sampled codes (Schulman 2020)"
    )
    sft_weight: float = Field(
        0.0,
        ge=0,
        description="weight of the experts' mean log-likelihood, in any objective: of the whole "
        "id with ratio sequence, else of a code",
    )
    dpo_beta: float = Field(0.1, gt=0, description="beta of DPO")
    temperature: float = Field(1.0, gt=0, description="of sampling")
    constrained: bool = Field(True, description="sample only ids that exist")
    policy: Literal["as_trained", "legal"] = Field(
        "as_trained",
        description="probabilities among the codes that the generator's softmax has, as in "
        "service; or among the codes that exist after the prefix, from which it samples",
    )
    tie: float = Field(
        1e-6, ge=0, description="distance of a group's best and worst reward that still is a tie"
    )
    epsilon: float = Field(1e-6, ge=0, description="added to the standard deviation of a group")
    std: Literal["population", "sample"] = Field(
        "population",
        description="standard deviation with G or with G - 1 (as TRL) in the denominator",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        name = value.get("preset")
        if name is not None and name not in tuple(PRESETS):
            raise ValueError(f"preset == {name!r}, must be one of {', '.join(PRESETS)}")
        filled = value if name is None else merged(PRESETS[name], value)
        # What comes out of here is no JSON any more, in which a list would pass for a tuple.
        return {
            key: tuple(each) if isinstance(each, list) else each for key, each in filled.items()
        }

    @model_validator(mode="after")
    def _parts_fit(self) -> "AlgorithmSpec":
        if self.experts.place == "within" and self.experts.count >= self.group:
            raise ValueError(
                f"experts.count == {self.experts.count}, must be < group ({self.group}) "
                "where experts are within it"
            )
        added = self.experts.count if self.experts.place == "add" else 0
        if self.objective != "sft" and self.group + added < 2:
            raise ValueError(
                f"group == {self.group}, must be >= 2 or have experts added: an id alone is no "
                "better and no worse than its group"
            )
        needs = self.objective == "sft" or self.sft_weight > 0 or self.off_policy != "none"
        if needs and not self.experts.count:
            raise ValueError("experts.count == 0, must be > 0 to learn from experts")
        if self.objective == "sft" and not self.sft_weight:
            raise ValueError("sft_weight == 0.0, must be > 0 for objective sft")
        if self.credit == "list" and self.group % self.list_size:
            raise ValueError(f"list_size == {self.list_size}, must divide group ({self.group})")
        if self.credit == "list" and self.group // self.list_size < 2:
            raise ValueError(f"list_size == {self.list_size}, must leave two lists at least")
        if self.credit == "list" and self.experts.count:
            raise ValueError("experts.count > 0, must be 0 for list credit")
        if self.policy == "legal" and not self.constrained:
            raise ValueError(
                "constrained == False, must be True for policy legal: ids that do not "
                "exist have no probability there"
            )
        if self.advantage == "separate" and self.credit in ("level", "gated", "list"):
            raise ValueError(
                f"credit == {self.credit!r}, must be sequence or prefix for separate advantages"
            )
        return self

    @property
    def rollouts(self) -> int:
        """Ids that the policy generates for a request."""
        return self.group - (self.experts.count if self.experts.place == "within" else 0)


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` sets, table by table."""
    out = dict(base)
    for key, value in over.items():
        inner = out.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        out[key] = merged(inner, value) if both and isinstance(inner, dict) else value
    return out


class StopSpec(Spec):
    """When an alignment ends early: deep recall must not be the price of the first place."""

    recall_drop: float = Field(
        0.1, gt=0, description="fall of item recall at 200 below the supervised model's (share)"
    )
    kl: float = Field(5.0, gt=0, description="divergence of an id from the supervised model (nats)")
    patience: int = Field(2, gt=0, description="evaluations in a row beyond a limit before the end")


class AlignmentSpec(Spec):
    """How the generator is aligned, whatever the algorithm."""

    steps: int = Field(200, gt=0, description="rollout batches")
    batch: int = Field(64, gt=0, description="requests of a rollout batch; 512 in the paper")
    updates: int = Field(1, gt=0, description="optimiser steps on each rollout batch")
    learning_rate: float = Field(
        1e-4, gt=0, description="of AdamW; 1e-6 in the paper, whose model has 0.5B parameters"
    )
    warmup: int = Field(10, ge=0, description="steps of a linear warm-up; constant thereafter")
    weight_decay: float = Field(0.0, ge=0, description="of AdamW")
    clip: float = Field(1.0, gt=0, description="greatest norm of the gradient")
    requests: int = Field(20_000, gt=0, description="most logged requests to learn from, the last")
    held_out: int = Field(300, gt=0, description="later requests that only validate (requests)")
    evaluate_every: int = Field(50, gt=0, description="steps between two evaluations")
    beam: int = Field(100, gt=0, description="beam of the evaluations (ids)")
    keep: Literal["last", "best"] = Field(
        "last",
        description="weights that are kept: of the last step, or of the evaluation with the "
        "highest hit rate at 10; after an early stop those of the last evaluation within limits",
    )
    stop: StopSpec = Field(StopSpec(), description="early end")
    checkpoint_steps: int = Field(50, gt=0, description="steps between two checkpoints")
    tensorboard: bool = Field(True, description="also write TensorBoard event files")
