import subprocess
import sys

import pytest
import torch

from cqsid.alignment.objective.losses import matched_weight
from cqsid.alignment.settings import PRESETS, AlgorithmSpec
from tests.cqsid.alignment.objective.test_objective import drawn, run, without_experts

NAMES = set(
    "grpo eg_grpo eg_grpo_mixed dr_grpo dapo gspo gdpo luffy propensity replace_worst level_credit "
    "prefix_grpo gated guided_replay shared_prefix list_level dpo sft".split()
)
# These differ in who is in the group or what was forced, which a loss is only told of.
GROUPS_ALONE = {"eg_grpo_mixed", "replace_worst", "guided_replay"}


def results(preset):
    spec = AlgorithmSpec(preset=preset)
    scored, tokens = drawn() if spec.experts.count else without_experts(*drawn())
    return run(spec, scored, tokens)


def test_there_is_a_preset_for_every_published_algorithm():
    assert set(PRESETS) == NAMES


@pytest.mark.parametrize("preset", sorted(NAMES))
def test_every_preset_learns_something_finite_and_is_valid_when_read_back(preset):
    spec = AlgorithmSpec(preset=preset)
    assert AlgorithmSpec.model_validate(spec.model_dump()) == spec
    _, found, gradient = results(preset)
    assert found.total.isfinite()
    assert gradient.isfinite().all()
    assert gradient.any()


def test_no_two_presets_are_one():
    specs = [AlgorithmSpec(preset=name).model_dump(exclude={"preset"}) for name in sorted(NAMES)]
    assert all(one != other for i, one in enumerate(specs) for other in specs[:i])
    rest = sorted(NAMES - GROUPS_ALONE)
    totals = torch.stack([results(name)[1].total.detach() for name in rest])
    assert len(totals.unique()) == len(rest)


def test_what_is_set_overrules_a_preset_and_the_rest_of_it_stays():
    spec = AlgorithmSpec.model_validate({"preset": "eg_grpo", "experts": {"source": "mixed"}})
    assert (spec.experts.count, spec.experts.source, spec.ratio) == (2, "mixed", "sequence")


def test_the_supervised_control_has_the_weight_of_eg_grpo():
    control, injected = AlgorithmSpec(preset="sft"), AlgorithmSpec(preset="eg_grpo")
    assert control.experts == injected.experts
    assert control.ratio == injected.ratio
    expected = matched_weight(injected.rollouts, injected.experts.count)
    assert control.sft_weight == pytest.approx(expected)


def test_settings_do_not_load_torch():
    code = "import sys, cqsid.alignment.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
