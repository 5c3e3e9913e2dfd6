"""The settings of a run, composed of the specs that lie beside the code they configure."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from cqsid.alignment.measures import BEST
from cqsid.registry import GENERATIVE_TYPES, ChannelSpec, generative
from experiments.config.attribution import AttributionSpec, problems_of_studies
from experiments.config.ids_bench import IdsBenchSpec
from experiments.config.overrides import suggestion
from experiments.config.reward_lab import RewardLabSpec
from experiments.designs.shopper import MAX_ARMS, check_shares
from experiments.inference.metrics import METRICS, Metric
from experiments.stages.executor import ExecutionSpec
from ranking.examples import ExamplesSpec
from ranking.funnel import FunnelSpec
from ranking.rankers.registry import RankerSpec
from recall.merge import MergeSpec
from simulator.catalogue.synthetic import CatalogSpec
from simulator.errors import ConfigError
from simulator.files.importer import CatalogFileSpec, JudgmentFileSpec
from simulator.living.world import WorldSpec
from simulator.log.eventlog import LogSpec
from simulator.protocols import MAX_CHANNELS
from simulator.shoppers.demand import QuerySpec
from simulator.shoppers.shoppers import ShopperSpec
from simulator.spec import Spec

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"  # also the name of a folder


class FileCatalog(Spec):
    """A catalogue read from the user's own file."""

    file: CatalogFileSpec


def _catalog_kind(value: Any) -> str:
    from_file = "file" in value if isinstance(value, dict) else isinstance(value, FileCatalog)
    return "file" if from_file else "generated"


class ArmSpec(Spec):
    """One arm of the experiment: a funnel over some of the channels, and who sees it."""

    name: str = Field(pattern=_NAME, description="name of the arm")
    share: float = Field(gt=0, le=1, description="share of the shoppers; all arms sum to 1")
    channels: tuple[str, ...] = Field(min_length=1, description="names of its recall channels")
    limits: dict[str, Annotated[int, Field(gt=0)]] = Field(
        {}, description="candidates asked of a channel, where not the channel's own limit"
    )
    merge: MergeSpec | None = Field(None, description="merge of this arm, where not the common")
    ranker: RankerSpec | None = Field(None, description="ranker of this arm, where not the common")


class AnalysisSpec(Spec):
    """What is estimated, and how."""

    confidence: float = Field(0.95, gt=0.5, lt=1, description="level of all intervals")
    primary: str = Field("gmv", description="the metric that decides")
    cuped: bool = Field(True, description="also adjust estimates by the history period (CUPED)")
    metrics: tuple[Metric, ...] = Field(
        (), description="metrics of your own, beside the built-in ones"
    )

    @model_validator(mode="after")
    def _primary_exists(self) -> "AnalysisSpec":
        names = [*METRICS, *(metric.name for metric in self.metrics)]
        if self.primary not in names:
            raise ValueError(
                f"analysis.primary == {self.primary!r}, must be {suggestion(self.primary, names)}"
            )
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise ValueError(f"analysis.metrics == {repeated[0]!r} twice, must be named once")
        return self


class TruthSpec(Spec):
    """The paired worlds that show the true effect."""

    seeds: int = Field(1, ge=0, description="pairs of worlds, each with its own luck; 0: no truth")
    arms: tuple[str, ...] = Field((), description="arms that get worlds; none named: all")


class Config(Spec):
    """Everything that decides a run. The names of its parts are the sections of the TOML file."""

    name: str = Field(pattern=_NAME, description="name of the run and of its folder")
    seed: int = Field(1, ge=0, lt=2**63, description="all luck of the run")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where models train")
    catalog: Annotated[
        Annotated[CatalogSpec, Tag("generated")] | Annotated[FileCatalog, Tag("file")],
        Discriminator(_catalog_kind),
    ] = CatalogSpec()
    judgments: JudgmentFileSpec | None = Field(None, description="human-judged queries")
    queries: QuerySpec = QuerySpec()
    shoppers: ShopperSpec = ShopperSpec()
    world: WorldSpec = WorldSpec()
    log: LogSpec = LogSpec()
    channels: dict[str, ChannelSpec] = Field(
        min_length=1, max_length=MAX_CHANNELS, description="recall channels by name"
    )
    funnel: FunnelSpec = FunnelSpec()
    ranker: RankerSpec = Field(
        RankerSpec(), description="the ranker of all arms that name no other"
    )
    examples: ExamplesSpec = Field(
        ExamplesSpec(), description="which part of the history teaches rankers"
    )
    arms: tuple[ArmSpec, ...] = Field(
        min_length=2, max_length=MAX_ARMS, description="arms of the experiment"
    )
    control: str = Field("", description="arm that all others are compared with; the first arm")
    analysis: AnalysisSpec = AnalysisSpec()
    truth: TruthSpec = TruthSpec()
    attribution: AttributionSpec = Field(AttributionSpec(), description="for `funnelab attribute`")
    ids_bench: IdsBenchSpec = Field(IdsBenchSpec(), description="for `funnelab ids bench`")
    reward_lab: RewardLabSpec = Field(RewardLabSpec(), description="for `funnelab rewards`")
    execution: ExecutionSpec = ExecutionSpec()

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        if not self.control:  # a default that depends on another field; the model is frozen
            object.__setattr__(self, "control", self.arms[0].name)
        problems = [*self._problems_of_names(), *self._problems_of_channels()]
        problems += self._problems_of_attribution()
        if self.reward_lab.grid:
            problems += self._problems_of_rewards()
        merges = {"funnel.merge": self.funnel.merge}
        merges |= {f"arms.{arm.name}.merge": arm.merge for arm in self.arms if arm.merge}
        for place, merge in merges.items():
            problems += [
                f"{place}.{field}.{name} == {value}, must be for "
                + suggestion(name, list(self.channels))
                for field in ("quotas", "weights")
                for name, value in getattr(merge, field).items()
                if name not in self.channels
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

    def _problems_of_names(self) -> list[str]:
        names = [arm.name for arm in self.arms]
        problems = [
            f"arms.name == {name!r} {count} times, must be unique"
            for name, count in Counter(names).items()
            if count > 1
        ]
        if self.control not in names:
            problems.append(
                f"control == {self.control!r}, must be {suggestion(self.control, names)}"
            )
        problems += [
            f"truth.arms == {name!r}, must be {suggestion(name, names)}"
            for name in self.truth.arms
            if name not in names
        ]
        if self.truth.arms and self.control not in self.truth.arms:
            problems.append(f"truth.arms == {list(self.truth.arms)}, must include {self.control!r}")
        return problems

    def _problems_of_channels(self) -> list[str]:
        known = list(self.channels)
        problems = []
        for arm in self.arms:
            place = f"arms.{arm.name}.channels"
            problems += [
                f"{place} == {name!r}, must be {suggestion(name, known)}"
                for name in arm.channels
                if name not in known
            ]
            if len(set(arm.channels)) < len(arm.channels):
                problems.append(f"{place} == {list(arm.channels)}, must name each channel once")
            problems += [
                f"arms.{arm.name}.limits.{name} == {limit}, must be for one of the arm's channels: "
                + ", ".join(arm.channels)
                for name, limit in arm.limits.items()
                if name not in arm.channels
            ]
        return problems

    def _problems_of_attribution(self) -> list[str]:
        """The arm that is measured is the last one where none is named."""
        spec, known = self.attribution, list(self.channels)
        arms = [arm.name for arm in self.arms]
        if not spec.arm:
            object.__setattr__(self, "attribution", spec.model_copy(update={"arm": arms[-1]}))
        elif spec.arm not in arms:
            return [f"attribution.arm == {spec.arm!r}, must be {suggestion(spec.arm, arms)}"]
        problems = [
            f"attribution.order == {name!r}, must be {suggestion(name, known)}"
            for name in spec.order
            if name not in known
        ]
        of_arm = {arm.name: arm.channels for arm in self.arms}
        return problems + problems_of_studies(spec.studies, of_arm)

    def _problems_of_rewards(self) -> list[str]:
        """Where the lab names no arm or channel it is told which, if there is no doubt."""
        lab = self.reward_lab
        arms = {arm.name: arm for arm in self.arms}
        arm = lab.arm or self.arms[-1].name
        if arm not in arms:
            return [f"reward_lab.arm == {arm!r}, must be {suggestion(arm, list(arms))}"]
        known = [name for name in arms[arm].channels if name in generative(self.channels)]
        if not known:
            return [f"reward_lab.arm == {arm!r}, must have a channel of type {GENERATIVE_TYPES}"]
        if lab.channel and lab.channel not in known:
            wanted = suggestion(lab.channel, known)
            return [f"reward_lab.channel == {lab.channel!r}, must be {wanted}"]
        if not lab.channel and len(known) > 1:
            return [f"reward_lab.channel is missing, must be one of {', '.join(known)}"]
        named = lab.model_copy(update={"arm": arm, "channel": lab.channel or known[0]})
        object.__setattr__(self, "reward_lab", named)
        if lab.alignment.beam < BEST:
            beam = lab.alignment.beam
            return [f"reward_lab.alignment.beam == {beam}, must be >= {BEST} (ids)"]
        alone = len(arms[arm].channels) == 1
        return [
            f"reward_lab.rewards.{name} == {component.type}, must be in an arm with other channels "
            f"(reward_lab.arm == {arm!r} has none)"
            for name, mix in lab.rewards.items()
            for component in mix.components
            if alone and "elsewhere" in component.needs()
        ]
