"""How a trained policy lies in the store and is served."""

from dataclasses import dataclass, replace
from pathlib import Path

from cqsid.alignment.saved import load_weights
from cqsid.channel import CqsidChannel
from experiments.build import load_saved
from experiments.worlds import MODEL

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class PolicyModel:
    """What serves a policy: the supervised model with the weights that lie beside this object.

    Attributes:
        base: name of the supervised model's folder, a sibling of the policy's.
    """

    base: str

    def open_in(self, folder: Path) -> CqsidChannel:
        """The channel, from the folder that this object was read from."""
        channel: CqsidChannel = load_saved(folder.parent / self.base / MODEL)
        learned = channel.learned
        weights = load_weights(folder / WEIGHTS, learned.weights)
        channel.serve(replace(learned, weights=weights))
        return channel
