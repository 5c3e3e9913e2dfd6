"""Settings of the generator: its prompts, its text vectors and its language model."""

from typing import Literal

from pydantic import Field, model_validator

from recall.settings import DeviceName
from simulator.spec import Spec


class PromptSpec(Spec):
    """How much of everything a prompt tells."""

    title_subwords: int = Field(24, gt=0, description="most of an item's text (subwords)")
    query_subwords: int = Field(16, gt=0, description="most of a query's text (subwords)")
    clicks: int = Field(5, ge=0, description="most recent clicks told of a shopper (items)")


class TextSpec(Spec):
    """Text vectors and what they learn from."""

    subwords: int = Field(4096, gt=1, description="subword units (most)")
    longest: int = Field(64, gt=0, description="what is read of a text (subwords)")
    dimensions: int = Field(96, gt=0, le=512, description="length of a vector")
    hidden: int = Field(128, gt=0, description="width of each tower's hidden layer")
    epochs: int = Field(12, ge=0, description="passes over the items, and the pairs if read")
    batch_size: int = Field(512, gt=1, description="pairs a step")
    learning_rate: float = Field(0.003, gt=0, description="step size of Adam")
    temperature: float = Field(0.07, gt=0, description="divisor of cosines in the loss")
    learn_from: Literal["catalogue", "log"] = Field(
        "catalogue",
        description="items against words drawn from their own texts, or also against the "
        "queries that led to a click or an order",
    )
    encoder: str | None = Field(
        None, description="folder of a `transformers` encoder to use instead; it does not learn"
    )
    device: DeviceName = Field("auto", description="where to train or encode: auto, cpu or cuda")


class ModelSpec(Spec):
    """Size of the generator, or the checkpoint to start from; there is no dropout."""

    hidden: int = Field(96, gt=0, description="width of the model")
    layers: int = Field(2, gt=0, description="blocks")
    heads: int = Field(4, gt=0, description="attention heads")
    kv_heads: int = Field(2, gt=0, description="heads of keys and values")
    ffn: int = Field(256, gt=0, description="width inside a block's feed-forward part")
    tie_embeddings: bool = Field(True, description="one table for input and output tokens")
    softmax: Literal["level", "full"] = Field(
        "level", description="a code competes with its level's codes, or with every token"
    )
    backbone: str | None = Field(
        None, description="folder of a Qwen2 checkpoint to start from; the sizes are then its own"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "ModelSpec":
        if self.hidden % self.heads or self.hidden // self.heads % 2:
            raise ValueError(f"hidden == {self.hidden}, must be an even multiple of heads")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads == {self.heads}, must be a multiple of kv_heads")
        return self
