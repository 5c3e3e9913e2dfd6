"""Which way of learning from rewards: every published algorithm is a composition of these."""

from typing import Any, Final, Literal

from pydantic import Field, model_validator

from simulator.spec import Spec

BEST: Final = 10
"""The first ids of a beam, which diversity and the watched rewards look at."""

LOGGERS: Final = "reward_lab.alignment.loggers"

_UNCLIPPED: Final = {"clip_low": 1.0, "clip_high": 1e6}

PRESETS: Final[dict[str, dict[str, Any]]] = {
    # DeepSeekMath (arXiv 2402.03300). Published: token ratios, k3, groups of 64, KL 0.04.
    "grpo": {},
    # arXiv 2605.14434. Published: sequence ratio as printed, two or four experts, KL 1.0 (stated;
    # the printed loss has none). Open: clip range, temperature, the draw of experts, 8 + K or 8 in
    # all, off-policy correction.
    "eg_grpo": {"experts": {"count": 2}, "ratio": "sequence"},
    # Inferred from EG-GRPO's own arithmetic: an exposed expert keeps exposures from being pushed
    # down. Two clicked experts among four exposures and four others cut an exposure's advantage
    # from +1.00 to +0.18; one clicked and one exposed leave +0.40.
    "eg_grpo_mixed": {"experts": {"count": 2, "source": "mixed"}, "ratio": "sequence"},
    # arXiv 2503.20783. Published: no division by the spread, no divergence.
    "dr_grpo": {"advantage": "centred", "kl_weight": 0.0},
    # arXiv 2503.14476. Published: these clips, groups of 16, no divergence; tied groups are
    # redrawn until the batch is full. Here they are left out of the average: inferred.
    "dapo": {"clip_high": 0.28, "drop_tied": True, "kl_weight": 0.0},
    # arXiv 2507.18071. Published: geometric mean, these clips; the divergence is left out of the
    # formulas, its weight is open.
    "gspo": {"ratio": "sequence_mean", "clip_low": 3e-4, "clip_high": 4e-4},
    # arXiv 2601.05242. Published: normalise each reward, sum, normalise over the batch.
    "gdpo": {"advantage": "separate"},
    # arXiv 2504.14945. Published: one of eight ids is another's, gamma 0.1, no clip on it. From
    # the released scripts: no clip on the others either, no division by the spread, no divergence.
    "luffy": {
        "experts": {"count": 1, "place": "within"},
        "off_policy": "luffy",
        "advantage": "centred",
        "kl_weight": 0.0,
        **_UNCLIPPED,
    },
    # No paper: truncated importance sampling (Ionides 2008) where a simulator knows with which
    # probability the log held an expert. The cap is a guess.
    "propensity": {"experts": {"count": 2}, "off_policy": "propensity", "ratio": "sequence"},
    # No one paper: ground truth takes the place of the worst id, and only where the policy has not
    # found it. One expert: inferred.
    "replace_worst": {"experts": {"count": 1, "place": "replace_worst", "only_absent": True}},
    # TaoSR-SHE (arXiv 2510.07972). Published: rewards of steps, normalised per step. Inferred: a
    # code is a step.
    "level_credit": {"credit": "level"},
    # VARG's Prefix-GRPO. Published: KL 0.8 and its rewards, which are none of an algorithm's
    # (malformed -2, empty -1, purchase 3, click 1, exposure 0.1, ranker up to 0.2 tanh). Inferred:
    # the weights.
    "prefix_grpo": {"credit": "prefix", "level_weights": (1.0, 0.5), "kl_weight": 0.8},
    # TPMA-GRPO of OneSearch-V2 (arXiv 2603.24422). Published, with released code: rewards of
    # codes normalised per position, prefix gates, no clip. Inferred: rewards other than matches;
    # no extra advantage of the item. Its weights are cancelled by its normalisation.
    "gated": {"credit": "gated", **_UNCLIPPED},
    # TaoSR-AGRL (arXiv 2510.08048). Published: ground truth guides rollouts of low accuracy.
    # Inferred: every rollout gets the first code.
    "guided_replay": {"guided_levels": 1},
    # RAD-DPO (arXiv 2602.23964). Published: shared prefixes get no negative gradient in DPO.
    # Inferred: the same for EG-GRPO, whose rollouts share prefixes with its experts.
    "shared_prefix": {"experts": {"count": 2}, "ratio": "sequence", "mask_shared_prefix": True},
    # AIGQ (arXiv 2603.19710). Published: rewards of lists beside those of their members. Inferred:
    # lists cut from a group, distinct ids as the list's property. Two lists: advantages are +-1.
    "list_level": {"credit": "list"},
    # arXiv 2305.18290. Published: beta 0.1, the divergence is in the loss itself. Inferred: pairs
    # of a group's best and worst id.
    "dpo": {"objective": "dpo", "kl_weight": 0.0},
    # The control of EG-GRPO: the same experts, pushed as hard, without rewards. 0.40 = sqrt(G K) /
    # (G + K), see `cqsid.alignment.objective.losses.matched_weight`. Derived, not published.
    "sft": {
        "objective": "sft",
        "experts": {"count": 2},
        "ratio": "sequence",
        "sft_weight": 0.40,
        "kl_weight": 0.0,
    },
}


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

    `preset` fills what is not set. Sources of the presets: `cqsid.alignment.settings`.
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
    guided_below: float | None = Field(
        None,
        gt=0,
        le=1,
        description="guide only groups of which a smaller share is right, after they were sampled "
        "freely (adaptive guided replay); None: guide all from the start (share)",
    )
    guided_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="part of such a group that is generated again with guidance (share)",
    )
    outcome_weight: float = Field(
        0.0,
        ge=0,
        description="weight of the whole answer's advantage beside that of each code, for level "
        "credit",
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
        if self.guided_below is not None and not self.guided_levels:
            raise ValueError(
                f"guided_below == {self.guided_below}, must be left out without guided_levels"
            )
        if self.outcome_weight and self.credit != "level":
            raise ValueError(
                f"outcome_weight == {self.outcome_weight}, must be 0 with credit {self.credit}"
            )
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
    def reads_rewards(self) -> bool:
        """Whether what is learned depends on rewards; supervised learning alone asks for none."""
        return self.objective != "sft" or self.drop_tied or self.experts.place == "replace_worst"

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
    loggers: tuple[str, ...] = Field(
        (),
        description="where the figures of each alignment go as well: tensorboard, wandb, mlflow "
        "(extras of the same names), MODULE:OBJECT or an entry point of funnelab.loggers",
    )
