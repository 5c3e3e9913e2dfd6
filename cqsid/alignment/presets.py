"""Published algorithms as settings; each names its source, what is published, what is inferred.

Group size 8 and a divergence of weight 1.0 against the supervised model are those of EG-GRPO's
paper and hold where nothing else is said, so that presets differ by what is their own.

Ids have one length, so the length corrections by which some of them differ from GRPO (Dr.GRPO's
constant, DAPO's mean over tokens) change nothing here.
"""

from typing import Any, Final

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
    # (G + K), see `cqsid.alignment.losses.matched_weight`. Derived, not published.
    "sft": {
        "objective": "sft",
        "experts": {"count": 2},
        "ratio": "sequence",
        "sft_weight": 0.40,
        "kl_weight": 0.0,
    },
}
