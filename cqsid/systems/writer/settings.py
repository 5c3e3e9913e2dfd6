"""Settings of the text writer."""

from pydantic import Field

from cqsid.generator.settings import ModelSpec
from cqsid.training.settings import StageSpec
from recall.settings import DeviceName
from simulator.spec import Spec


class WriterSpec(Spec):
    """A small language model that writes texts."""

    longest: int = Field(12, gt=0, description="most of a written text (subwords)")
    question_subwords: int = Field(16, gt=0, description="most of what is asked (subwords)")
    about_subwords: int = Field(32, gt=0, description="most of what it is asked about (subwords)")
    subwords: int = Field(4096, gt=1, description="subword units (most)")
    model: ModelSpec = Field(ModelSpec(), description="the language model")
    training: StageSpec = Field(
        StageSpec(epochs=3.0, batch=256), description="how it learns from lessons"
    )
    device: DeviceName = Field("auto", description="where to train: auto, cpu or cuda")
