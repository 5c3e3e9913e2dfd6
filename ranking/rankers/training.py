"""Teaches the network of clicks and wants, with the position's effect kept apart.

Shoppers click what they see, and they see the top. During training the click logit is the sum of
the item's own logit and a term of (device, position); serving drops the term, which is what is
left of an item shown first (position as a module: Guo et al., "PAL: a position-bias aware
learning framework for CTR prediction", RecSys 2019; here additive on the logit).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ranking.rankers.labels import Labels
from ranking.rankers.network import Layer, Network
from ranking.rankers.settings import NetworkSpec
from recall.device import one_thread
from simulator.curves import Curve

DEVICES = 2

_TABLE_SPEED = 10.0  # learning rate of the position table over that of the network


class ClickAndPurchase(nn.Module):
    """Shared trunk, a click head and a purchase head, and the effect of the position."""

    def __init__(self, n_features: int, spec: NetworkSpec, generator: torch.Generator) -> None:
        super().__init__()
        first, second = spec.hidden
        self.first = _linear(n_features, first, generator)
        self.second = _linear(first, second, generator)
        self.heads = _linear(second, 2, generator)
        self.examination = nn.Parameter(torch.zeros(DEVICES, spec.positions - 1))

    def forward(self, features_PF: Tensor, device_P: Tensor, slot_P: Tensor) -> Tensor:
        """(P, 2) logits of a click at that position and of a purchase given a click."""
        hidden = torch.relu(self.second(torch.relu(self.first(features_PF))))
        logits_P2: Tensor = self.heads(hidden)
        # The top position has no term: it is the reference that serving predicts for.
        curve = torch.cat([torch.zeros(DEVICES, 1), self.examination], dim=1)
        seen_P = curve[device_P, slot_P.clamp(max=curve.shape[1] - 1)]
        return torch.stack([logits_P2[:, 0] + seen_P, logits_P2[:, 1]], dim=1)


def _linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(n_in, n_out, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        layer.bias.zero_()
    return layer


def _losses(model: ClickAndPurchase, data: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Log loss of clicks, and of purchases per exposure given the clicks."""
    features_PF, device_P, slot_P, clicked_P, wanted_P = data
    logits_P2 = model(features_PF, device_P, slot_P)
    buying_P = cross_entropy(logits_P2[:, 1], wanted_P, reduction="none") * clicked_P
    return cross_entropy(logits_P2[:, 0], clicked_P), buying_P.mean()


def _tensors(features_PF: NDArray[np.float32], labels: Labels) -> tuple[Tensor, ...]:
    return (
        torch.from_numpy(features_PF),
        torch.from_numpy(labels.device_P),
        torch.from_numpy(labels.slot_P),
        torch.from_numpy(labels.clicked_P.astype(np.float32)),
        torch.from_numpy(labels.wanted_P.astype(np.float32)),
    )


@dataclass(frozen=True)
class Trained:
    """A network with what its training showed.

    Attributes:
        network: the network as it serves.
        examination_VP: (DEVICES, positions) effect of device and position on the click logit,
            0 at the top.
        click_loss, want_loss: log loss per held-out exposure, in nats.
        epochs: passes over the examples.
    """

    network: Network
    examination_VP: NDArray[np.float32]
    click_loss: float
    want_loss: float
    epochs: int


def train_network(
    features_PF: NDArray[np.float32],
    labels: Labels,
    held_out_P: NDArray[np.bool_],
    spec: NetworkSpec,
    generator: torch.Generator,
    tell: Callable[[float], None] = lambda share: None,
) -> Trained:
    """Fit by Adam, stopping when the held-out loss no longer falls.

    Args:
        features_PF: (P, F) features of the exposures, not yet standardised.
        labels: what became of them.
        held_out_P: exposures that only decide when to stop.
        spec: settings.
        generator: the source of initial weights and of the order of examples.
        tell: told of every step how much is done, as if no pass were spared.
    """
    mean_F = features_PF.mean(axis=0, dtype=np.float64)
    spread_F = features_PF.std(axis=0, dtype=np.float64)
    spread_F[spread_F < 1e-6] = np.inf  # a feature that never varied must not decide anything

    def part(rows_P: NDArray[np.bool_]) -> tuple[Tensor, ...]:
        standard_PF = features_PF[rows_P]
        standard_PF -= mean_F.astype(np.float32)
        standard_PF /= spread_F.astype(np.float32)
        return _tensors(standard_PF, labels.rows(rows_P))

    with one_thread():
        model = ClickAndPurchase(features_PF.shape[1], spec, generator)
        _start_at_base_rates(model, labels.rows(~held_out_P))
        parts = part(~held_out_P), part(held_out_P)
        with Curve("network") as curve:
            losses, epochs = _descend(model, *parts, spec, generator, tell, curve)
        with torch.no_grad():
            examination = torch.cat([torch.zeros(DEVICES, 1), model.examination], dim=1)
            if not labels.wanted_P.any():  # nothing to tell items apart by
                model.heads.weight[1] = 0
    network = _fold(model, mean_F, spread_F)
    return Trained(network, examination.numpy(), losses[0], losses[1], epochs)


def _start_at_base_rates(model: ClickAndPurchase, labels: Labels) -> None:
    """Make the untrained network predict the observed rates: no step is spent on finding them."""
    clicks, orders = labels.clicked_P.sum(), labels.wanted_P.sum()
    rates = np.array([clicks / max(len(labels.clicked_P), 1), orders / max(clicks, 1)])
    rates = np.clip(rates, 1e-5, 1 - 1e-5)
    with torch.no_grad():
        model.heads.weight.zero_()
        model.heads.bias.copy_(torch.from_numpy(np.log(rates / (1 - rates))))


def _descend(
    model: ClickAndPurchase,
    learning: tuple[Tensor, ...],
    holding: tuple[Tensor, ...],
    spec: NetworkSpec,
    generator: torch.Generator,
    tell: Callable[[float], None],
    curve: Curve,
) -> tuple[tuple[float, float], int]:
    """Train in place and leave the best weights; the held-out losses and the passes made."""
    table = model.examination
    weights = [weight for weight in model.parameters() if weight is not table]
    groups: list[dict[str, Any]] = [{"params": weights}]
    if spec.position_bias:
        # Each entry sees few examples a step and must not be shrunk: its size is the answer.
        rate = spec.learning_rate * _TABLE_SPEED
        groups.append({"params": [table], "lr": rate, "weight_decay": 0.0})
    adam = torch.optim.AdamW(groups, spec.learning_rate, weight_decay=spec.weight_decay)
    best, kept, since, taken = (np.inf, np.inf), model.state_dict(), 0, 0
    for epoch in range(1, spec.epochs + 1):
        order = torch.randperm(len(learning[0]), generator=generator)
        steps = torch.split(order, spec.batch)
        for step, rows in enumerate(steps, start=1):
            adam.zero_grad(set_to_none=True)
            loss = torch.stack(_losses(model, tuple(column[rows] for column in learning))).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            taken += 1
            curve.tell(taken, {"train/loss": loss.detach()})
            tell((epoch - 1 + step / len(steps)) / spec.epochs)
        with torch.no_grad():
            click, purchase = (float(loss) for loss in _losses(model, holding))
        curve.tell(taken, {"eval/click_loss": click, "eval/want_loss": purchase})
        since += 1
        if click + purchase < sum(best):
            best, since = (click, purchase), 0
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        if since == spec.patience:
            break
    model.load_state_dict(kept)
    return best, epoch


def _fold(
    model: ClickAndPurchase, mean_F: NDArray[np.float64], spread_F: NDArray[np.float64]
) -> Network:
    """Weights for serving, with the standardisation folded into the first layer."""

    def layer(linear: nn.Linear) -> Layer:
        weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
        return np.ascontiguousarray(weight), np.ascontiguousarray(bias)

    weight_HF, bias_H = (array.astype(np.float64) for array in layer(model.first))
    weight_HF = weight_HF / spread_F
    first = weight_HF.astype(np.float32), (bias_H - weight_HF @ mean_F).astype(np.float32)
    return Network(first, layer(model.second), layer(model.heads))
