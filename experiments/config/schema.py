"""The settings of a run, composed of the specs that lie beside the code they configure."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from cqsid.registry import (
    AugmentationSpec,
    ChannelSpec,
    JudgeSpec,
    RewriterSpec,
    SuggesterSpec,
    UnderstandingSpec,
    generative,
)
from experiments.config.analysis import RANKER, AnalysisSpec, TruthSpec
from experiments.config.attribution import AttributionSpec
from experiments.config.execution import ExecutionSpec
from experiments.config.ids_bench import IdsBenchSpec
from experiments.config.inuse import (
    problems_of_annotations,
    problems_of_composed,
    problems_of_judges_in_use,
    problems_of_understanding,
    why_no_ranker,
)
from experiments.config.overrides import Name, alike, suggestion, unknown
from experiments.config.reward_lab import RewardLabSpec
from experiments.designs.settings import DesignSpec, ShopperDesign
from experiments.designs.split import MAX_ARMS, check_shares
from experiments.inference.metrics import METRICS
from experiments.stress.settings import StressSpec
from ranking.rankers.settings import CommonRankerSpec, RankerSpec
from ranking.settings import ExamplesSpec, FunnelSpec
from recall.classic.bootstrap import BOOTSTRAP_CHANNELS
from recall.composed.references import Steps, problems_of_references
from recall.settings import MergeSpec, Reference
from simulator.annotations.settings import AnnotationsSpec
from simulator.catalogue.settings import CatalogSpec, TraitsSpec
from simulator.errors import ConfigError
from simulator.files.settings import DemandFileSpec, FileCatalog, JudgmentFileSpec
from simulator.living.settings import WorldSpec
from simulator.log.settings import LogSpec
from simulator.protocols import MAX_CHANNELS
from simulator.shoppers.settings import QuerySpec, ShopperSpec
from simulator.spec import MOST, Spec


def _catalog_kind(value: Any) -> str:
    from_file = "file" in value if isinstance(value, dict) else isinstance(value, FileCatalog)
    return "file" if from_file else "generated"


class ArmSpec(Spec):
    """One arm of the experiment: a funnel over some of the channels, and who sees it."""

    name: Name = Field(description="name of the arm")
    share: float = Field(gt=0, le=1, description="share of the shoppers; all arms sum to 1")
    channels: tuple[str, ...] = Field(min_length=1, description="names of its recall channels")
    limits: dict[str, Annotated[int, Field(gt=0)]] = Field(
        {}, description="candidates asked of a channel, where not the channel's own limit"
    )
    merge: MergeSpec | None = Field(None, description="merge of this arm, where not the common")
    ranker: RankerSpec | None = Field(None, description="ranker of this arm, where not the common")

    def problems(self, known: Sequence[str]) -> list[str]:
        """What does not fit the names of all channels, as place, value found and value wanted."""
        place = f"arms.{self.name}.channels"
        problems = unknown(place, self.channels, known)
        if len(set(self.channels)) < len(self.channels):
            problems.append(f"{place} == {list(self.channels)}, must name each channel once")
        return problems + [
            f"arms.{self.name}.limits.{name} == {limit}, must be for one of the arm's channels: "
            + ", ".join(self.channels)
            for name, limit in self.limits.items()
            if name not in self.channels
        ]


class SweepSpec(Spec):
    """What `funnelab sweep` varies where its command line does not say."""

    over: dict[str, Any] = Field(
        min_length=1,
        description="settings by their sections, each with a list of values; all are crossed",
    )

    @field_validator("over")
    @classmethod
    def _numbers_are_bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        for place, number in _numbers(value, ""):
            if not abs(number) <= 1e3 * MOST:  # nor NaN
                raise ValueError(f"{place} == {number!r}, must be <= {1e3 * MOST:g} in size")
        return value


def _numbers(value: Any, place: str) -> Iterator[tuple[str, float]]:
    """Every number below a value, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _numbers(inner, f"{place}[{at}]")
    elif isinstance(value, int | float):
        yield place, value


class Config(Spec):
    """Everything that decides a run. The names of its parts are the sections of the TOML file."""

    name: Name = Field(description="name of the run and of its folder")
    seed: int = Field(1, ge=0, lt=2**63, description="all luck of the run")
    training_seed: int = Field(
        0, ge=0, lt=2**31, description="luck of all trainings, in the same world as of `seed`"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where models train")
    catalog: Annotated[
        Annotated[CatalogSpec, Tag("generated")] | Annotated[FileCatalog, Tag("file")],
        Discriminator(_catalog_kind),
    ] = CatalogSpec()
    judgments: JudgmentFileSpec | None = Field(None, description="human-judged queries")
    demand: DemandFileSpec | None = Field(None, description="the shop's own queries, with counts")
    queries: QuerySpec = QuerySpec()
    shoppers: ShopperSpec = ShopperSpec()
    world: WorldSpec = WorldSpec()
    log: LogSpec = LogSpec()
    channels: dict[Name, ChannelSpec] = Field(
        min_length=1, max_length=MAX_CHANNELS, description="recall channels by name"
    )
    rewriters: dict[Name, RewriterSpec] = Field(
        {}, description="query rewriters by name; one that no channel names is not trained"
    )
    suggesters: dict[Name, SuggesterSpec] = Field(
        {},
        description="suggesters of texts by name; they are held against what shoppers of the log "
        "asked next, and shown to nobody",
    )
    augmentations: dict[Name, AugmentationSpec] = Field(
        {},
        description="made pairs of a text and an item by name, that `augment` of a dense channel "
        "names; what no channel names is not made",
    )
    funnel: FunnelSpec = FunnelSpec()
    ranker: CommonRankerSpec = Field(
        CommonRankerSpec(), description="the ranker of all arms that name no other"
    )
    examples: ExamplesSpec = Field(
        ExamplesSpec(), description="which part of the history teaches rankers"
    )
    arms: tuple[ArmSpec, ...] = Field(
        min_length=2, max_length=MAX_ARMS, description="arms of the experiment"
    )
    control: str = Field("", description="arm that all others are compared with; the first arm")
    design: DesignSpec = Field(ShopperDesign(), description="what is assigned to the arms")
    analysis: AnalysisSpec = AnalysisSpec()
    truth: TruthSpec = TruthSpec()
    attribution: AttributionSpec = Field(AttributionSpec(), description="for `funnelab attribute`")
    ids_bench: IdsBenchSpec = Field(IdsBenchSpec(), description="for `funnelab ids bench`")
    reward_lab: RewardLabSpec = Field(RewardLabSpec(), description="for `funnelab rewards`")
    understanding: dict[Name, UnderstandingSpec] = Field(
        {}, description="catalogue steps by name, which fill what the catalogue leaves open"
    )
    annotations: AnnotationsSpec = Field(
        AnnotationsSpec(), description="graded pairs that a shop pays for"
    )
    judges: dict[Name, JudgeSpec] = Field({}, description="relevance judges by name")
    stress: StressSpec = Field(StressSpec(), description="what channels and rankers are tried on")
    sweep: SweepSpec | None = Field(None, description="for `funnelab sweep`")
    execution: ExecutionSpec = ExecutionSpec()

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        arms, channels = {arm.name: arm.channels for arm in self.arms}, list(self.channels)
        problems = [
            *self._problems_of_names(),
            *self.truth.problems(
                list(arms),
                self.control,
                [
                    *METRICS,
                    *(metric.name for metric in self.analysis.metrics),
                    *(metric.name for metric in self.analysis.own),
                ],
                channels,
            ),
            *(problem for arm in self.arms for problem in arm.problems(channels)),
            *self.attribution.problems(arms, channels),
            *self.reward_lab.problems(arms, list(generative(self.channels))),
            *self._problems_of_merges(),
            *self.problems_of_ramp(),
            *self._problems_of_updates(),
            *alike("judges", self.judges),
            *(each for name, specs in self.steps.items() for each in alike(name, specs)),
            *problems_of_references(
                self.channels,
                self.judges,
                self.steps,
                why_no_ranker(self.ranker, [arm.ranker for arm in self.arms]),
            ),
            *problems_of_composed(self.channels, self.truth.retrained),
            *self._problems_of_judges_in_use(),
            *alike("understanding", self.understanding),
            *problems_of_understanding(
                self.understanding,
                {"channels": self.channels, "judges": self.judges},
                *self.catalog.publishes,
            ),
            *problems_of_annotations(
                self.annotations, self.judges, graded=self.judgments is not None
            ),
            *self.stress.problems(
                from_file=isinstance(self.catalog, FileCatalog), published=self.catalog.publishes[0]
            ),
            *self.design.problems(self.world.days),
            *self.design.misfits([arm.share for arm in self.arms], self.funnel.exploration),
            *self.design.problems_beside(self.world, self.funnel, len(self.arms)),
        ]
        for device in ("phone", "desktop"):
            shown = getattr(self.shoppers, f"{device}_slots")
            if shown > self.funnel.slots:
                problems.append(
                    f"shoppers.{device}_slots == {shown}, must be <= funnel.slots "
                    f"({self.funnel.slots})"
                )
        try:
            check_shares(tuple(arm.share for arm in self.arms))
        except ConfigError as error:
            problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _problems_of_judges_in_use(self) -> list[str]:
        rankers: dict[str, RankerSpec] = {"ranker": self.ranker}
        rankers |= {f"arms.{arm.name}.ranker": arm.ranker for arm in self.arms if arm.ranker}
        updates = self.world.updates
        updated = bool(updates.every_days) and RANKER in updates.models
        rewards = self.reward_lab.rewards
        return problems_of_judges_in_use(rankers, rewards, self.judges, updated=updated)

    def _problems_of_names(self) -> list[str]:
        names = [arm.name for arm in self.arms]
        problems = [
            f"arms.name == {name!r} {count} times, must be unique"
            for name, count in Counter(names).items()
            if count > 1
        ]
        problems += alike("arms.name", dict.fromkeys(names)) + alike("channels", self.channels)
        return problems + unknown("control", [self.control], names)

    @property
    def steps(self) -> Steps:
        """The settings of all steps, by section and name."""
        return {
            "rewriters": self.rewriters,
            "suggesters": self.suggesters,
            "augmentations": self.augmentations,
        }

    def section_of(self, part: Reference) -> str:
        """The section in which a part stands that settings refer to."""
        known: dict[str, Collection[str]] = {"channels": self.channels, "judges": self.judges}
        known |= {**self.steps, RANKER: [RANKER]}
        return next(kind for kind in part.kinds if part.name in known[kind])

    @property
    def traits(self) -> TraitsSpec:
        """Settings of what is drawn for items, generated or of a file."""
        return self.catalog.file if isinstance(self.catalog, FileCatalog) else self.catalog

    @property
    def catalogue_seed(self) -> int:
        """Luck of the catalogue."""
        return self.seed if self.traits.seed is None else self.traits.seed

    @property
    def needs_seed(self) -> int:
        """Luck of what is needed."""
        return self.seed if self.queries.seed is None else self.queries.seed

    @property
    def new_channels(self) -> tuple[str, ...]:
        """The channels that an arm has and control has not, in the order of the settings."""
        (control,) = (arm for arm in self.arms if arm.name == self.control)
        others = {name for arm in self.arms for name in arm.channels} - {*control.channels}
        return tuple(name for name in self.channels if name in others)

    def problems_of_ramp(self) -> list[str]:
        """What forbids a ramp, where one is set: nothing new, or new under a name in use."""
        days = self.world.ramp.days
        if not days or self.control not in [arm.name for arm in self.arms]:
            return []
        problems, new = [], self.new_channels
        if not new:
            problems.append(
                f"world.ramp.days == {days}, must be 0: no arm has a channel that "
                f"{self.control} has not"
            )
        problems += [
            f"world.ramp.days == {days}, must be 0: channel {name} is made of others, which are "
            "not trained on the days before a ramp"
            for name in new
            if self.channels[name].references()
        ]
        if len(new) > MAX_CHANNELS - len(BOOTSTRAP_CHANNELS):
            most = MAX_CHANNELS - len(BOOTSTRAP_CHANNELS)
            problems.append(
                f"world.ramp.days == {days}, must be 0: {len(new)} channels are new, more than "
                f"the {most} that a history can tell apart"
            )
        return problems + [
            f"channels.{name} == new in a ramp, must have another name: the history has a "
            f"channel {name} of its own"
            for name in new
            if name in BOOTSTRAP_CHANNELS
        ]

    def _problems_of_updates(self) -> list[str]:
        """Models that nobody has, or that no log changes."""
        updates, place = self.world.updates, "world.updates.models"
        if not updates.every_days:
            return []
        problems = unknown(place, updates.models, [RANKER, *self.channels])
        problems += [
            f"{place} == {name!r} {count} times, must name each model once"
            for name, count in Counter(updates.models).items()
            if count > 1
        ]
        rankers = [arm.ranker or self.ranker for arm in self.arms]
        if RANKER in updates.models and all(each.type == "merge_order" for each in rankers):
            problems.append(
                f"{place} == {RANKER!r}, must be a model that learns: all arms rank in the order "
                "of the merge"
            )
        if updates.log == "weighted":
            problems += [
                f"{place} == {name!r}, must be {RANKER!r} alone where world.updates.log is "
                "'weighted': a channel learns from a log, which has no weights"
                for name in updates.models
                if name in self.channels
            ]
        used = {name for arm in self.arms for name in arm.channels}
        for name in (name for name in updates.models if name in self.channels):
            if name not in used:
                problems.append(f"{place} == {name!r}, must be a channel that an arm has")
            if any(each.learns for each in self.channels[name].references()):
                problems.append(
                    f"{place} == {name!r}, must be a channel that learns from the log alone: pairs "
                    "of augmentations are not made anew"
                )
            if why := self.channels[name].fixed():
                problems.append(f"{place} == {name!r}, must be a channel that learns: {why}")
        if RANKER in self.channels:
            problems.append(
                f"channels.{RANKER} == a channel, must have another name where world.updates "
                f"names models by {RANKER!r}"
            )
        if len({*self.channels, *BOOTSTRAP_CHANNELS}) > MAX_CHANNELS:
            problems.append(
                f"channels == {len(self.channels)} channels, must be fewer with world.updates: "
                f"with those of the history at most {MAX_CHANNELS} can be told apart"
            )
        return problems

    def _problems_of_merges(self) -> list[str]:
        merges = {"funnel.merge": self.funnel.merge}
        merges |= {f"arms.{arm.name}.merge": arm.merge for arm in self.arms if arm.merge}
        return [
            f"{place}.{field}.{name} == {value}, must be for {suggestion(name, [*self.channels])}"
            for place, merge in merges.items()
            for field in ("quotas", "weights")
            for name, value in getattr(merge, field).items()
            if name not in self.channels
        ] + [
            f"{place}.weights == 0 for all channels of arm {arm.name}, must be > 0 for one"
            for place, merge, arm in self._merges()
            if not any(merge.weights.get(name, 1.0) for name in arm.channels)
        ]

    def _merges(self) -> list[tuple[str, MergeSpec, ArmSpec]]:
        """The merge of every arm, and where it is set."""
        return [
            (f"arms.{arm.name}.merge", arm.merge, arm)
            if arm.merge is not None
            else ("funnel.merge", self.funnel.merge, arm)
            for arm in self.arms
        ]
