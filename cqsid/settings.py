"""Settings of the generative channel."""

from typing import Annotated, Literal

from pydantic import Field

from cqsid.decoding.shelves import ShelfSpec
from cqsid.generator.model import ModelSpec
from cqsid.generator.prompts import PromptSpec
from cqsid.generator.textencoder import TextSpec
from cqsid.tokenizer.schemes.settings import IdsSpec
from cqsid.training.stages import TrainingSpec
from recall.device import DeviceName
from recall.latency import LatencySpec
from recall.settings import ChannelSettings
from simulator.errors import ConfigError
from simulator.spec import Spec

Beam = Annotated[int, Field(gt=0, le=1000)]


class ServingSpec(Spec):
    """How the trained generator answers requests. Nothing here asks for another training."""

    beams: Beam | tuple[Beam, ...] = Field(
        50, description="ids kept by the beam search, one number or one for each level (ids)"
    )
    related_only: bool = Field(
        False,
        description="search only ids whose first code is a category that the query is about, for "
        "schemes whose first code is the category",
    )
    shelves: ShelfSpec = Field(ShelfSpec(), description="how ids become items")
    cache: int = Field(
        100_000,
        ge=0,
        description="answers remembered while the legal ids stay; the key is the whole input of "
        "the model, so a remembered answer is the same answer; 0: none (answers)",
    )
    per_beam_s: float = Field(
        0.00025, ge=0, description="added to the median service time for each id of the beam (s)"
    )

    @property
    def widest(self) -> int:
        """The largest beam of any level."""
        return self.beams if isinstance(self.beams, int) else max(self.beams)

    def check_levels(self, levels: int) -> None:
        """Refuse beams for another number of levels than the ids have.

        Raises:
            ConfigError: not one number, nor one for each level.
        """
        if isinstance(self.beams, tuple) and len(self.beams) != levels:
            raise ConfigError(
                f"serving.beams == {self.beams}, must be one number or {levels}, "
                "one for each level of ids"
            )


class CqsidSpec(ChannelSettings):
    """Semantic ids, and a language model that generates them for a query."""

    type: Literal["cqsid"] = "cqsid"
    latency: LatencySpec = Field(
        LatencySpec(base_s=0.010), description="service time of the channel, but for its beam"
    )
    personalised: bool = Field(
        True, description="also read gender, age band and recent clicks; False: the query alone"
    )
    checkpoint: str | None = Field(
        None,
        description="folder that `funnelab ids save` wrote: serves instead of a training, whose "
        "settings (text, ids, prompt, model, training, device) are then the checkpoint's. It must "
        "be of the same catalogue; what it learned from may be later than what rankers learn from",
    )
    text: TextSpec = Field(TextSpec(), description="subwords and text vectors")
    ids: IdsSpec = Field(IdsSpec(), description="how items get their ids")
    prompt: PromptSpec = Field(PromptSpec(), description="what the model is told")
    model: ModelSpec = Field(ModelSpec(), description="the language model")
    training: TrainingSpec = Field(TrainingSpec(), description="the three stages of training")
    serving: ServingSpec = Field(ServingSpec(), description="how requests are answered")
    device: DeviceName = Field("auto", description="where to train: auto, cpu or cuda")

    def learned(self) -> "CqsidSpec":
        """These settings without limit, latency and serving."""
        plain = CqsidSpec.model_fields
        fixed = {name: plain[name].default for name in ("limit", "latency", "serving")}
        return self.model_copy(update=fixed)

    def on_device(self, device: DeviceName) -> "CqsidSpec":
        """These settings with `device` where the channel leaves it open; its parts follow it."""
        chosen = self.device if self.device != "auto" else device
        text, rqvae = (
            part if part.device != "auto" else part.model_copy(update={"device": chosen})
            for part in (self.text, self.ids.rqvae)
        )
        ids = self.ids.model_copy(update={"rqvae": rqvae})
        return self.model_copy(update={"device": chosen, "text": text, "ids": ids})

    def service_time(self) -> LatencySpec:
        """The latency model; the beam's share is part of the base."""
        base_s = self.latency.base_s + self.serving.per_beam_s * self.serving.widest
        return self.latency.model_copy(update={"base_s": base_s})
