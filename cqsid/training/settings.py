"""Settings of the supervised training."""

from pydantic import Field

from simulator.spec import Spec


class StageSpec(Spec):
    """How one stage is trained: AdamW, a warm-up, then a linear decay to zero."""

    epochs: float = Field(1.0, ge=0, description="passes over the examples, below 1 a part of them")
    learning_rate: float = Field(0.003, gt=0, description="greatest step size of AdamW")
    batch: int = Field(256, gt=0, description="examples a step")
    warmup: float = Field(0.05, ge=0, le=1, description="share of the steps that warm up")
    weight_decay: float = Field(0.01, ge=0, description="of AdamW, for each unit of step size")
    clip: float = Field(1.0, gt=0, description="greatest norm of the gradient")
    rehearsal: float = Field(
        0.0, ge=0, description="examples of earlier stages for each example of this one"
    )
    evaluate_every: int = Field(200, gt=0, description="steps between two validations")
    patience: int = Field(5, gt=0, description="validations without a better one before the end")


class TrainingSpec(Spec):
    """The supervised training of the generator; the rates are for small models from scratch."""

    item: StageSpec = Field(
        StageSpec(epochs=5.0), description="stage 1: the text of an item -> its id"
    )
    query: StageSpec = Field(
        StageSpec(epochs=3.0, rehearsal=0.1), description="stage 2: a query -> ids of its items"
    )
    shopper: StageSpec | None = Field(
        StageSpec(epochs=1.0, learning_rate=0.001, rehearsal=0.1),
        description="stage 3: a shopper's query -> the id of the item taken; None: no such stage",
    )
    held_out: float = Field(
        0.05, ge=0, lt=1, description="share of the log's last requests that only validate"
    )
    held_out_most: int = Field(500, ge=0, description="most held-out requests, or titles")
    order_weight: float = Field(1.0, gt=0, description="draws of an order for each of a click")
    checkpoint_steps: int = Field(1000, gt=0, description="steps between two checkpoints")
    checkpoint_seconds: float = Field(60.0, ge=0, description="or seconds between them (s)")
