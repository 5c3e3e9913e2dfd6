"""Settings of the catalogue step that writes."""

from typing import Literal

from pydantic import Field

from cqsid.systems.writer.settings import WriterSpec
from cqsid.training.settings import StageSpec
from simulator.spec import Spec


class WriterUnderstandingSpec(Spec):
    """A catalogue step: a language model writes missing attribute values and categories."""

    type: Literal["writer"] = Field("writer", description="kind: the text writer")
    confidence: float = Field(
        0.8, ge=0, le=1, description="least confidence with which something is filled"
    )
    permuted: bool = Field(
        False,
        description="learn from values and categories that are those of other items: the null "
        "twin, which must learn nothing from texts",
    )
    writer: WriterSpec = Field(
        WriterSpec(
            longest=6,
            question_subwords=4,
            about_subwords=48,
            training=StageSpec(epochs=3.0, batch=256),
        ),
        description="the language model and its training",
    )

    def training_seconds(self, items: float) -> float:
        """Seconds of one core for learning and filling, about; for a plan before a run."""
        return 5e-3 * self.writer.training.epochs * items

    def code(self) -> tuple[str, ...]:
        """No module of the user's."""
        return ()

    def check(self) -> None:
        """Refuse a model that cannot be read; no weights are loaded."""
        from cqsid.generator.model import backbone_subwords  # heavy, only where it is used

        backbone_subwords(self.writer.model)
