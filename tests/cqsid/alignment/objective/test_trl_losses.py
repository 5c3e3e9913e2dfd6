"""Our losses beside those of TRL's own code, on the same tensors.

TRL's methods run on a trainer that was never initialised: its log-probabilities, completions and
rewards are given. No counterpart there: EG-GRPO's ratio of whole ids, leaving tied groups out.

Axis suffixes: B requests, G ids of a group, L levels, N all ids.
"""

from collections import defaultdict
from functools import cache
from types import SimpleNamespace

import pytest
import torch

from cqsid.alignment.objective.advantages import (
    group_advantages,
    separate_advantages,
)
from cqsid.alignment.objective.losses import Tokens
from cqsid.alignment.objective.objective import Scored, advantages, loss
from cqsid.alignment.settings import AlgorithmSpec

GROUPS, IDS, LEVELS, LONGEST = 5, 6, 3, 8
TIED = 2  # of the groups
LIKE_TRL = {"std": "sample", "epsilon": 1e-4}
# What TRL calls the presets, and what its average of all codes is of ours.
SETTINGS = {
    "grpo": ({"loss_type": "grpo"}, 1.0),
    "dr_grpo": ({"loss_type": "dr_grpo", "scale_rewards": "none"}, LEVELS / LONGEST),
    "dapo": ({"loss_type": "dapo", "epsilon_high": 0.28}, (GROUPS - TIED) / GROUPS),
    "gspo": (
        {
            "loss_type": "grpo",
            "importance_sampling_level": "sequence",
            "epsilon": 3e-4,
            "epsilon_high": 4e-4,
        },
        1.0,
    ),
}


@cache
def trl():
    from trl import GRPOConfig, GRPOTrainer

    return GRPOConfig, GRPOTrainer


def trainer(folder, **settings):
    """One that has what the two methods read, from TRL's own settings."""
    config, kind = trl()
    args = config(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        report_to=[],
        per_device_train_batch_size=GROUPS * IDS,
        num_generations=IDS,
        max_completion_length=LONGEST,
        activation_checkpointing=False,
        **settings,
    )
    made = object.__new__(kind)
    for name in (
        "beta",
        "importance_sampling_level",
        "loss_type",
        "mask_truncated_completions",
        "max_completion_length",
        "multi_objective_aggregation",
        "num_generations",
        "num_iterations",
        "off_policy_mask_threshold",
        "scale_rewards",
        "top_entropy_quantile",
        "use_vllm",
    ):
        setattr(made, name, getattr(args, name))
    high = args.epsilon if args.epsilon_high is None else args.epsilon_high
    made.args, made.epsilon_low, made.epsilon_high = args, args.epsilon, high
    made.current_gradient_accumulation_steps = args.gradient_accumulation_steps
    made.model = SimpleNamespace(training=True, is_gradient_checkpointing=False)
    made.accelerator = SimpleNamespace(
        device=torch.device("cpu"),
        num_processes=1,
        process_index=0,
        gather=lambda each: each,
        reduce=lambda each, reduction: each,
    )
    made.aux_loss_enabled = made._entropy_bonus_enabled = False
    made._metrics = {"train": defaultdict(list)}
    return made


def drawn(seed=0):
    """Groups with ratios beyond every clip; of two of them all rewards are equal."""
    rng = torch.Generator().manual_seed(seed)

    def noise():
        return torch.randn((GROUPS, IDS, LEVELS), dtype=torch.float64, generator=rng)

    logp_BGL = (-1.5 + 0.5 * noise()).requires_grad_()
    rewards_BG = torch.randint(0, 4, (GROUPS, IDS), generator=rng).double()
    rewards_BG[1], rewards_BG[3] = 2.0, 0.0
    there_BG = torch.ones_like(rewards_BG, dtype=torch.bool)
    return Tokens(
        logp_BGL=logp_BGL,
        old_BGL=logp_BGL.detach() + 0.3 * noise(),
        reference_BGL=logp_BGL.detach() + 0.3 * noise(),
        codes_BGL=torch.randint(0, 3, logp_BGL.shape, generator=rng),
        expert_BG=~there_BG,
        valid_BG=there_BG,
        free_BGL=there_BG[..., None].expand(logp_BGL.shape),
        propensity_BG=torch.ones_like(rewards_BG),
        rewards_BG=rewards_BG,
    )


def ours(spec, tokens):
    """Advantages, loss, and its gradient."""
    scored = Scored(tokens.rewards_BG, tokens.rewards_BG[None], torch.ones(1).double(), None)
    right_BGL = torch.ones_like(tokens.free_BGL)
    own_BGL = advantages(spec, scored, tokens.codes_BGL, right_BGL, tokens.valid_BG)
    found = loss(spec, tokens, own_BGL)
    return own_BGL, found, torch.autograd.grad(found.total, tokens.logp_BGL)[0]


def theirs(made, tokens, advantages_BG):
    """Loss and gradient by TRL's `_compute_loss`."""
    logp_NL = tokens.logp_BGL.flatten(0, 1)
    ones_NL = torch.ones(logp_NL.shape, dtype=torch.long)
    made._get_per_token_logps_and_entropies = lambda *_, **__: (
        logp_NL,
        torch.zeros_like(logp_NL),
        None,
    )
    inputs = {
        "prompt_ids": ones_NL,
        "prompt_mask": ones_NL,
        "completion_ids": ones_NL,
        "completion_mask": ones_NL,
        "num_items_in_batch": ones_NL.sum(),
        "advantages": advantages_BG.flatten(),
        "old_per_token_logps": tokens.old_BGL.flatten(0, 1),
        "ref_per_token_logps": tokens.reference_BGL.flatten(0, 1),
    }
    found = made._compute_loss(None, inputs)
    return found, torch.autograd.grad(found, tokens.logp_BGL)[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", SETTINGS)
def test_loss_and_gradient_are_those_of_trl_up_to_a_known_constant(tmp_path, preset, seed):
    """TRL's Dr.GRPO divides by the longest completion allowed, ours by the codes of an id; its
    DAPO counts the codes of tied groups, ours leaves them out."""
    settings, constant = SETTINGS[preset]
    spec, tokens = AlgorithmSpec(preset=preset, **LIKE_TRL), drawn(seed)
    own_BGL, found, gradient = ours(spec, tokens)
    assert 0 < found.clipped < 1
    settings = {"beta": spec.kl_weight, "use_bias_correction_kl": False, **settings}
    made = trainer(tmp_path, **settings)
    expected, their_gradient = theirs(made, tokens, own_BGL[..., 0])
    torch.testing.assert_close(constant * found.total, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(constant * gradient, their_gradient, rtol=0, atol=1e-9)
    clipped = made._metrics["train"]["clip_ratio/region_mean"]
    assert clipped == pytest.approx([found.clipped.item()])


def test_clips_are_those_that_the_presets_of_trl_are_given(tmp_path):
    for preset, (settings, _) in SETTINGS.items():
        spec = AlgorithmSpec(preset=preset)
        made = trainer(tmp_path, **settings)
        assert (made.epsilon_low, made.epsilon_high) == (spec.clip_low, spec.clip_high)


def test_a_corrected_divergence_of_trl_is_not_ours(tmp_path):
    """The default of TRL weighs each estimate by its ratio; the papers' losses do not."""
    spec, tokens = AlgorithmSpec(preset="grpo", **LIKE_TRL), drawn()
    own_BGL, found, _ = ours(spec, tokens)
    made = trainer(tmp_path, beta=1.0, use_bias_correction_kl=True, loss_type="grpo")
    expected, _ = theirs(made, tokens, own_BGL[..., 0])
    assert abs(expected - found.total) > 1e-3


def their_advantages(made, rewards_BGC):
    """By TRL's own code around given completions and rewards; it counts ids in float32."""
    rewards_NC = rewards_BGC.flatten(0, 1)
    row = [[1] * LEVELS] * len(rewards_NC)
    made.environment_factories = made.environments = made.tools = made.pad_to_multiple_of = None
    made._tokenizer = SimpleNamespace(pad_token_id=0)
    made._generate = lambda prompts: (row, row, None, [""] * len(row), None, {}, None, None)
    made._calculate_rewards = lambda *_: rewards_NC
    made.reward_weights = torch.tensor([1.0, 0.3], dtype=torch.float64)[: rewards_NC.shape[1]]
    made.reward_funcs = made.reward_func_names = [str(c) for c in range(rewards_NC.shape[1])]
    made._logs = defaultdict(list, rewards=defaultdict(list), extra=defaultdict(list))
    made._pending_extra_logs, made._pending_metrics = {}, {}
    given = made._generate_and_score_completions([{"prompt": ""}] * len(row))
    return given["advantages"].view(rewards_BGC.shape[:2])


@pytest.mark.parametrize(
    ("settings", "advantage"),
    [({"scale_rewards": "group"}, "standardised"), ({"scale_rewards": "none"}, "centred")],
)
def test_advantages_are_those_of_trl(tmp_path, settings, advantage):
    rewards_BG, there_BG = drawn().rewards_BG, drawn().valid_BG
    spec = AlgorithmSpec(advantage=advantage, tie=1e-6, **LIKE_TRL)
    found_BG = group_advantages(rewards_BG, there_BG, spec)
    made = trainer(tmp_path, **settings)
    expected_BG = their_advantages(made, rewards_BG[..., None])
    torch.testing.assert_close(found_BG, expected_BG, rtol=0, atol=1e-6)
    assert (found_BG == 0).all(1).sum() == TIED


def test_separate_advantages_are_those_of_trl(tmp_path):
    parts_CBG = torch.stack([drawn().rewards_BG, drawn(1).rewards_BG ** 2])
    weight_C = torch.tensor([1.0, 0.3], dtype=torch.float64)
    spec = AlgorithmSpec(tie=1e-6, **LIKE_TRL)
    found_BG = separate_advantages(parts_CBG, weight_C, drawn().valid_BG, spec)
    made = trainer(tmp_path, multi_objective_aggregation="normalize_then_sum")
    expected_BG = their_advantages(made, parts_CBG.permute(1, 2, 0))
    torch.testing.assert_close(found_BG, expected_BG, rtol=0, atol=1e-6)
