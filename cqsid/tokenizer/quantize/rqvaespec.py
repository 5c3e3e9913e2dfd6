"""Settings of the residual-quantised autoencoder."""

from typing import Literal

from pydantic import Field

from recall.settings import DeviceName
from simulator.spec import Spec


class AutoencoderSpec(Spec):
    """Sizes and training of a residual-quantised autoencoder, whatever guides it."""

    latent: int = Field(64, gt=0, le=1024, description="dimensions of the latent")
    hidden: int = Field(256, gt=0, description="width of the hidden layer on either side")
    epochs: int = Field(30, ge=0, description="passes over the items")
    batch: int = Field(128, gt=0, description="items a step")
    learning_rate: float = Field(0.001, gt=0, description="step size of Adam")
    beta: float = Field(1.0, ge=0, description="weight of the commitment loss")
    gamma: float = Field(0.001, ge=0, description="weight of the query-item contrast")
    temperature: float = Field(0.1, gt=0, description="tau, divisor of cosines in the losses")
    decay: float = Field(0.99, gt=0, lt=1, description="decay of the codes' moving averages")
    balance: bool = Field(False, description="whether codes of deeper levels have prices")
    supervision: float = Field(0.1, ge=0, description="weight of the soft category losses")
    device: DeviceName = Field("auto", description="where to train: auto, cpu or cuda")


class RqvaeSpec(AutoencoderSpec):
    """A residual-quantised autoencoder and what guides it."""

    category: Literal["none", "hard", "soft"] = Field(
        "hard", description="categories: unused, as the first code, or as CAT-ID2's losses"
    )
    contrast: Literal["none", "before", "after"] = Field(
        "before", description="query-item contrast: none, or of items before or after quantisation"
    )
    collaborative: float = Field(0.0, ge=0, description="weight of LETTER's alignment, 0: off")
    diversity: float = Field(0.0, ge=0, description="weight of LETTER's diversity, 0: off")
