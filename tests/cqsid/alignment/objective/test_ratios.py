import math

import pytest
import torch

from cqsid.alignment.objective.losses import importance, propensity_weight, shaped

KINDS = ("token", "sequence", "sequence_mean")
LOGP = [[-0.5, -1.0, -2.0], [-0.1, -0.2, -0.3]]
OLD = [[-0.7, -0.9, -2.5], [-0.1, -0.4, -0.2]]


def codes(values, **options):
    return torch.tensor([values], dtype=torch.float64, **options)


def free(*places):
    free_BGL = torch.ones((1, 2, 3), dtype=torch.bool)
    for place in places:
        free_BGL[(0, *place)] = False
    return free_BGL


def derived(value_BGL, logp_BGL, free_BGL):
    """The gradient of the mean over free codes, summed over ids."""
    mean_BG = torch.where(free_BGL, value_BGL, 0.0).sum(-1) / free_BGL.sum(-1)
    return torch.autograd.grad(mean_BG.sum(), logp_BGL)[0][0]


def test_ratios_equal_hand_checked_values():
    found = {kind: importance(kind, codes(LOGP), codes(OLD), free())[0] for kind in KINDS}
    assert found["token"][0].log().tolist() == pytest.approx([0.2, -0.1, 0.5])
    assert found["sequence"][0].log().tolist() == pytest.approx([0.6] * 3)
    assert found["sequence_mean"][0].log().tolist() == pytest.approx([0.2] * 3)
    assert found["sequence"][1].log().tolist() == pytest.approx([0.1] * 3)


def test_forced_codes_are_no_part_of_an_ids_ratio():
    held = free((0, 0))
    assert importance("sequence", codes(LOGP), codes(OLD), held)[0, 0, 1].log() == pytest.approx(
        0.4
    )
    mean = importance("sequence_mean", codes(LOGP), codes(OLD), held)[0, 0, 1]
    assert mean.log().item() == pytest.approx(0.2)


def test_every_ratio_is_1_before_the_first_step_even_in_float32():
    logp_BGL = codes(LOGP).float()
    for kind in KINDS:
        assert (importance(kind, logp_BGL, logp_BGL, free()) == 1).all()


@pytest.mark.parametrize(
    ("kind", "printed"),
    [
        ("token", lambda log_GL: log_GL.exp().mean(-1)),
        ("sequence", lambda log_GL: log_GL.sum(-1).exp()),
        ("sequence_mean", lambda log_GL: log_GL.mean(-1).exp()),
    ],
)
def test_gradients_are_those_of_the_printed_ratio(kind, printed):
    logp_BGL = codes(LOGP, requires_grad=True)
    found = derived(importance(kind, logp_BGL, codes(OLD), free()), logp_BGL, free())
    expected = torch.autograd.grad(printed((logp_BGL - codes(OLD))[0]).sum(), logp_BGL)[0][0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", ["sequence", "sequence_mean"])
def test_a_code_is_pushed_by_its_own_advantage_alone(kind):
    logp_BGL = codes(LOGP, requires_grad=True)
    ratio_BGL = importance(kind, logp_BGL, codes(OLD), free())
    found = torch.autograd.grad(ratio_BGL[..., 1].sum(), logp_BGL)[0][0]
    assert (found != 0).tolist() == [[False, True, False]] * 2


def test_luffys_gradient_is_the_published_one():
    """f'(x) x = gamma x / (x + gamma)^2 times the gradient of the log-probability."""
    logp_BGL = codes(LOGP, requires_grad=True)
    found = derived(shaped("token", logp_BGL, free(), 0.1), logp_BGL, free())
    x_GL = logp_BGL[0].detach().exp()
    torch.testing.assert_close(found, 0.1 * x_GL / (x_GL + 0.1) ** 2 / 3)


def test_luffy_learns_most_from_unlikely_codes():
    logp_BGL = codes([[math.log(0.1), math.log(0.9), math.log(0.001)]] * 2, requires_grad=True)
    value_BGL = shaped("token", logp_BGL, free(), 0.1)
    assert value_BGL[0, 0].tolist() == pytest.approx([0.5, 0.9, 0.001 / 0.101])
    gradient_L = derived(value_BGL, logp_BGL, free())[0]
    assert gradient_L[0] > gradient_L[1] > gradient_L[2] > 0


def test_luffy_can_shape_the_probability_of_the_whole_id():
    value_BGL = shaped("sequence", codes(LOGP), free(), 0.1)
    whole = math.exp(-3.5)
    assert value_BGL[0, 0].tolist() == pytest.approx([whole / (whole + 0.1)] * 3)


def test_a_propensity_weight_is_the_ids_probability_over_the_logs():
    propensity_BG = codes([0.05, 0.9])
    found = propensity_weight("token", codes(LOGP), free(), propensity_BG, cap=10.0)
    assert found[0, :, 0].tolist() == pytest.approx([math.exp(-3.5) / 0.05, math.exp(-0.6) / 0.9])
    capped = propensity_weight("token", codes(LOGP), free(), propensity_BG, cap=0.5)
    assert capped[0, :, 0].tolist() == pytest.approx([0.5, 0.5])


def test_forced_codes_are_no_part_of_a_propensity_weight():
    found = propensity_weight("token", codes(LOGP), free((0, 0)), codes([0.5, 0.9]), cap=10.0)
    assert found[0, 0, 1].item() == pytest.approx(math.exp(-3.0) / 0.5)


@pytest.mark.parametrize(("kind", "codes_of_the_id"), [("token", 1), ("sequence", 3)])
def test_an_id_beyond_the_cap_is_still_learned_from(kind, codes_of_the_id):
    logp_BGL = codes(LOGP, requires_grad=True)
    weight_BGL = propensity_weight(kind, logp_BGL, free(), codes([1e-30, 0.0]), cap=2.0)
    found = derived(weight_BGL, logp_BGL, free())
    torch.testing.assert_close(found, torch.full_like(found, 2.0 * codes_of_the_id / 3))
