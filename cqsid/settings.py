"""Settings of the generative channel."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cqsid.decoding.settings import ShelfSpec
from cqsid.generator.settings import ModelSpec, PromptSpec, TextSpec
from cqsid.tokenizer.schemes.settings import IdsSpec
from cqsid.training.settings import TrainingSpec
from recall.latency import LatencySpec
from recall.load.settings import Step
from recall.settings import AugmentedSettings, DeviceName
from simulator.errors import ConfigError
from simulator.spec import Spec

Beam = Annotated[int, Field(gt=0, le=1000)]
Beams = int | tuple[int, ...]


def widest(beams: Beams) -> int:
    """The largest beam of any level."""
    return beams if isinstance(beams, int) else max(beams)


class BusyBeams(Spec):
    """What is searched while many wait."""

    others: int = Field(
        gt=0, le=100_000, description="other requests that wait, from which on these beams are kept"
    )
    beams: Beam | tuple[Beam, ...] = Field(
        description="ids kept, one number or one for each level; narrower than with fewer waiting "
        "(ids)"
    )


class ServingSpec(Spec):
    """How the trained generator answers requests. Nothing here asks for another training."""

    beams: Beam | tuple[Beam, ...] = Field(
        50, description="ids kept by the beam search, one number or one for each level (ids)"
    )
    by_load: tuple[BusyBeams, ...] = Field(
        (),
        description="beams to keep instead while many wait for the channel's `servers`, the fewest "
        "waiting first",
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
    def steps(self) -> tuple[tuple[int, Beams], ...]:
        """Beams by how many others wait: from how many on, and the beams."""
        return ((0, self.beams), *((busy.others, busy.beams) for busy in self.by_load))

    @model_validator(mode="after")
    def _beams_narrow(self) -> "ServingSpec":
        """Refuse steps that no number of waiting requests leads to, or that take no less time."""
        for number, ((fewer, wide), (more, narrow)) in enumerate(pairwise(self.steps)):
            place = f"serving.by_load[{number}]"
            if more <= fewer:
                raise ValueError(f"{place}.others == {more}, must be > {fewer} (the step before)")
            if widest(narrow) >= widest(wide):
                raise ValueError(
                    f"{place}.beams == {narrow}, must be narrower than {wide} (with fewer waiting)"
                )
        return self

    def check_levels(self, levels: int) -> None:
        """Refuse beams for another number of levels than the ids have.

        Raises:
            ConfigError: not one number, nor one for each level.
        """
        for number, (_, beams) in enumerate(self.steps):
            if isinstance(beams, tuple) and len(beams) != levels:
                place = f"by_load[{number - 1}].beams" if number else "beams"
                raise ConfigError(
                    f"serving.{place} == {beams}, must be one number or {levels}, "
                    "one for each level of ids"
                )


class CqsidSpec(AugmentedSettings):
    """Semantic ids, and a language model that generates them for a query."""

    home: ClassVar[str] = "cqsid.channel:CqsidChannel"

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

    shares_training: ClassVar[bool] = True
    page_seconds: ClassVar[float] = 1.9e-4

    @model_validator(mode="after")
    def _load_is_felt(self) -> "CqsidSpec":
        """Refuse steps of serving that can never be taken."""
        steps, place = self.serving.by_load, "serving.by_load"
        if steps and self.servers is None:
            raise ValueError(f"{place} == {len(steps)} steps, must be empty without servers")
        for number, busy in enumerate(steps):
            most = self.servers.waiting if self.servers is not None else 0
            if busy.others >= most:
                raise ValueError(
                    f"{place}[{number}].others == {busy.others}, must be < servers.waiting "
                    f"({most}): no more can wait"
                )
        return self

    @model_validator(mode="after")
    def _learns_or_not(self) -> "CqsidSpec":
        """Refuse pairs for a training that is over."""
        if self.augment and self.checkpoint is not None:
            raise ValueError(
                f"augment == {list(self.augment)}, must be empty with a checkpoint: nothing is "
                "learned"
            )
        return self

    def data(self) -> tuple[str, ...]:
        """A checkpoint, or else the folders of models that training begins from."""
        learned = (self.model.backbone, self.text.encoder)
        named = (self.checkpoint,) if self.checkpoint is not None else learned
        return tuple(folder for folder in named if folder is not None)

    def fixed(self) -> str:
        """A checkpoint is what it is."""
        return "its weights are those of its checkpoint" if self.checkpoint is not None else ""

    def check(self) -> None:
        """Refuse what would only fail after a training; no model is read.

        Raises:
            ContractError: a custom scheme that cannot be found or made.
            ConfigError: a folder that holds no such model, beams for another number of levels, or
                a search by category among ids that do not begin with one.
            DataError: a checkpoint with a file that is missing, cut short or edited.
        """
        from cqsid.generator.model import backbone_subwords  # heavy, only where they are used
        from cqsid.generator.pretrained import check_encoder
        from cqsid.saved import check_saved
        from cqsid.tokenizer.schemes.registry import build_scheme, levels, starts_with_category

        custom = self.ids.scheme == "custom"  # what ids it makes, its items will tell
        if custom:
            build_scheme(self.ids)
        if self.checkpoint is not None:
            self.serving.check_levels(len(check_saved(Path(self.checkpoint)).sizes))
            return
        if self.serving.related_only and not custom and not starts_with_category(self.ids):
            raise ConfigError(
                f"serving.related_only == True, must be false for ids of {self.ids.scheme}: "
                "their first code is not the category"
            )
        backbone_subwords(self.model)
        if self.text.encoder is not None:
            check_encoder(Path(self.text.encoder))
        n_levels = levels(self.ids)
        if n_levels is not None:
            self.serving.check_levels(n_levels)

    def training_seconds(self, items: float, requests: float) -> float:
        """Texts and ids of the items, then the examples of the three stages; about."""
        if self.checkpoint is not None:
            return 1.0
        stages = self.training
        examples = stages.item.epochs * items + 0.2 * stages.query.epochs * requests
        if stages.shopper is not None and self.personalised:
            examples += 0.55 * stages.shopper.epochs * requests
        return 1.8e-3 * items + 1.8e-4 * examples

    def learned(self) -> Self:
        """These settings without limit, latency, servers and serving."""
        plain = CqsidSpec.model_fields
        served = ("limit", "latency", "servers", "serving")
        fixed = {name: plain[name].default for name in served}
        return self.model_copy(update=fixed)

    def on_device(self, device: DeviceName) -> Self:
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
        return self._timed(self.serving.beams)

    def steps(self) -> tuple[Step, ...]:
        """The beams by how many others wait."""
        return tuple(Step(others, self._timed(beams)) for others, beams in self.serving.steps)

    def _timed(self, beams: Beams) -> LatencySpec:
        base_s = self.latency.base_s + self.serving.per_beam_s * widest(beams)
        return self.latency.model_copy(update={"base_s": base_s})
