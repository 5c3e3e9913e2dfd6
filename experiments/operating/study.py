"""What is studied: the arms, the designs and the metrics of a config's experiment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from experiments.config.overrides import suggestion
from experiments.config.schema import ArmSpec, Config
from experiments.designs.settings import DesignSpec, ShopperDesign
from experiments.inference.metrics import METRICS, Metric, followed
from simulator.errors import ConfigError

RAMP_UP = "ramp_up"
DESIGNS = (
    "shopper",
    RAMP_UP,
    "session",
    "request",
    "query_cluster",
    "switchback",
    "listing",
    "two_sided",
)
"""Whose split can be drawn anew: types of their settings, and a split of shoppers that grows."""

_STEPS = (0.2, 0.5, 1.0)
"""Parts of the treatment's share that a ramp-up reaches in a third of the days each."""

TRUTH_PAIRS = 5
"""Pairs of worlds that the true effect rests on at least. An interval from one pair is over its
shoppers; in a small shop luck that all of them share, such as what is sold out, moves the effect
more than that."""

_SPEC: TypeAdapter[DesignSpec] = TypeAdapter(DesignSpec)


@dataclass(frozen=True)
class Study:
    """The experiment of a config, to be made many times.

    Attributes:
        config: control's arm comes first, the treatment's second.
        treatment: its name.
        metrics: what is compared.
        designs: by name, the settings of those whose splits are drawn anew.
        redraws: splits of each design.
        worlds: experiments with luck of their own, as many A/A as A/B.
        missing: what cannot be asked, a sentence each.
    """

    config: Config
    treatment: str
    metrics: tuple[Metric, ...]
    designs: dict[str, DesignSpec]
    redraws: int
    worlds: int
    missing: tuple[str, ...]

    @property
    def level(self) -> float:
        """Of the tests: the share of false positives that they promise."""
        return 1 - self.config.analysis.confidence

    @property
    def arms(self) -> tuple[ArmSpec, ArmSpec]:
        """Control and treatment."""
        return self.config.arms[0], self.config.arms[1]

    @property
    def contrast(self) -> tuple[str, str]:
        """Names of control and of treatment."""
        return self.config.control, self.treatment


def study_of(
    config: Config,
    *,
    redraws: int,
    worlds: int,
    designs: Sequence[str] = (),
    treatment: str = "",
) -> Study:
    """What is to be done for a config.

    Args:
        config: its settings.
        redraws: splits of each design.
        worlds: experiments with luck of their own.
        designs: names of those that are drawn anew; none: all that fit the config.
        treatment: the arm that is compared with control; "": the first other one.

    Raises:
        ConfigError: nothing is asked, or an arm or a design that does not exist or fit.
    """
    if not redraws and not worlds:
        raise ConfigError("--redraws == 0, must be > 0 where --worlds is 0")
    others = [arm.name for arm in config.arms if arm.name != config.control]
    treatment = treatment or others[0]
    if treatment not in others:
        raise ConfigError(f"--arm == {treatment!r}, must be {suggestion(treatment, others)}")
    for name in designs:
        if name not in DESIGNS:
            raise ConfigError(f"--design == {name!r}, must be {suggestion(name, DESIGNS)}")
    found, missing = _designs(config, designs) if redraws else ({}, [])
    if designs and missing:
        raise ConfigError("\n".join(missing))
    return Study(
        config=_two_first(config, treatment),
        treatment=treatment,
        metrics=_metrics(config),
        designs=found,
        redraws=redraws,
        worlds=worlds,
        missing=(*missing, *_unasked(config)),
    )


def _designs(config: Config, asked: Sequence[str]) -> tuple[dict[str, DesignSpec], list[str]]:
    """The designs that fit the config, with its own settings where it is of that type."""
    found, missing = {}, []
    for name in dict.fromkeys(asked or DESIGNS):
        own = name_of(config.design) == name
        spec = config.design if own else _SPEC.validate_python(_settings(name, config.world.days))
        problems = spec.problems(config.world.days)
        if problems:
            missing.append(f"{name}: {'; '.join(problems)}")
        else:
            found[name] = spec
    return found, missing


def name_of(spec: DesignSpec) -> str:
    """How a study calls a design."""
    return RAMP_UP if isinstance(spec, ShopperDesign) and spec.ramp_up else spec.type


def _settings(name: str, days: int) -> dict[str, Any]:
    if name != RAMP_UP:
        return {"type": name}
    parts = {at * days // len(_STEPS): part for at, part in enumerate(_STEPS)}
    steps = [{"day": day, "part": part} for day, part in parts.items()]
    return {"type": "shopper", "ramp_up": steps}


def _two_first(config: Config, treatment: str) -> Config:
    """The config with control and the treatment as its first arms.

    Of the truth more pairs of worlds are wanted, so that its interval knows how far their luck
    moves it; and what is not asked here is left out: headroom, and other trainings where these are
    no part of its interval.
    """
    first = [config.control, treatment]
    order = sorted(
        config.arms, key=lambda arm: first.index(arm.name) if arm.name in first else len(first)
    )
    spec = config.truth
    kept = spec.retrained if spec.trainings == "each" else ()
    changed = {"headroom": 0, "retrained": kept, "arms": tuple(first)}
    changed |= {"seeds": max(spec.seeds, TRUTH_PAIRS)} if spec.seeds else {}
    truth = spec.model_copy(update=changed)
    return config.model_copy(update={"arms": tuple(order), "truth": truth})


def _metrics(config: Config) -> tuple[Metric, ...]:
    """Those that reports follow, the primary one, and the user's own sums."""
    every = (*METRICS.values(), *config.analysis.metrics)
    shown = {*(each.name for each in followed(every)), config.analysis.primary}
    shown |= {each.name for each in config.analysis.metrics}
    return tuple(each for each in every if each.name in shown)


def _unasked(config: Config) -> Iterator[str]:
    """What the config has that is not asked."""
    own = [each.name for each in config.analysis.own]
    if own:
        yield f"{', '.join(own)}: metrics from SQL or Python (`analysis.own`) are not asked."
    if config.analysis.cuped:
        yield (
            "Tests are asked as they are, not adjusted by the history (CUPED): that test estimates "
            "the same effect and mostly has a narrower interval, so it has more power."
        )
    if not config.truth.seeds:
        yield (
            "`truth.seeds` is 0, so the true effect is not known: neither is coverage of it, nor "
            "are power at it and errors of sign and size."
        )
