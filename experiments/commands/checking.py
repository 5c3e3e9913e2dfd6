"""Checks of a user's code by the conformance suites, with the options and items of their config.

A suite is imported when it is asked for: each has libraries that the others can do without.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from experiments.config.schema import Config
from experiments.inference.own.ownmetric import METRIC, OwnMetric
from simulator.calling import Limit, limit_calls
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError
from simulator.plugins import Kind, Violation


@dataclass(frozen=True)
class Case:
    """One way in which a config uses a plug-in.

    Attributes:
        place: where it is set; "" for without a config.
        options: given to it there.
        metric: the settings of a metric.
    """

    place: str = ""
    options: dict[str, Any] | None = None
    metric: OwnMetric | None = None


Suite = Callable[[Any, Case, Catalog | None], list[Violation]]


def _channel(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from recall.conformance import check_channel

    return check_channel(partial(found, **(case.options or {})), catalog)


def _rewriter(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from recall.rewriting.conformance import check_rewriter

    return check_rewriter(partial(found, **(case.options or {})), catalog)


def _suggester(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from recall.suggesting.conformance import check_suggester

    return check_suggester(partial(found, **(case.options or {})), catalog)


def _augmentation(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from recall.augmenting.conformance import check_augmentation

    return check_augmentation(partial(found, **(case.options or {})), catalog)


def _ranker(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from ranking.conformance import check_ranker

    return check_ranker(partial(found, **(case.options or {})), catalog)


def _understanding(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from recall.understanding.conformance import check_understanding

    return check_understanding(partial(found, **(case.options or {})), catalog)


def _judge(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from ranking.judges.conformance import check_judge

    return check_judge(partial(found, **(case.options or {})), catalog)


def _reward(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from cqsid.rewards.conformance import check_reward

    return check_reward(found, case.options, catalog)


def _rule(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from experiments.attribution.credit.conformance import check_rule

    return check_rule(found)


def _click(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from simulator.behaviour.clickconformance import check_click_model
    from simulator.behaviour.clickmodels import CLICK_MODEL

    name = getattr(found, "__name__", "model")
    return check_click_model(lambda: CLICK_MODEL.made(found, name, options=case.options or {}))


def _metric(found: Any, case: Case, catalog: Catalog | None) -> list[Violation]:
    from experiments.inference.own.conformance import check_metric

    assert case.metric is not None
    return check_metric(case.metric, catalog)


SUITES: dict[str, Suite] = {
    "channel": _channel,
    "rewriter": _rewriter,
    "suggester": _suggester,
    "augmentation": _augmentation,
    "ranker": _ranker,
    "understanding": _understanding,
    "judge": _judge,
    "reward": _reward,
    "rule": _rule,
    "click": _click,
    "metric": _metric,
}


def kind_of(plug_in: str) -> Kind:
    """The kind of what a command checks."""
    if plug_in == "metric":
        return METRIC
    if plug_in == "channel":
        from recall.registry import CHANNEL

        return CHANNEL
    if plug_in == "rewriter":
        from recall.rewriting.settings import REWRITER

        return REWRITER
    if plug_in == "suggester":
        from recall.suggesting.settings import SUGGESTER

        return SUGGESTER
    if plug_in == "augmentation":
        from recall.augmenting.settings import AUGMENTATION

        return AUGMENTATION
    if plug_in == "ranker":
        from ranking.rankers.settings import RANKER

        return RANKER
    if plug_in == "understanding":
        from recall.understanding.settings import UNDERSTANDING

        return UNDERSTANDING
    if plug_in == "judge":
        from ranking.judges.settings import JUDGE

        return JUDGE
    if plug_in == "reward":
        from cqsid.rewards.registry import REWARD

        return REWARD
    if plug_in == "click":
        from simulator.behaviour.clickmodels import CLICK_MODEL

        return CLICK_MODEL
    from experiments.attribution.credit.customrules import RULE

    return RULE


def check_plug_in(
    plug_in: str, name: str, config: Config | None, *, seconds: float
) -> list[tuple[str, Violation]]:
    """What breaks the contract of a user's object, and under which setting.

    Args:
        plug_in: a key of `SUITES`.
        name: MODULE:OBJECT, or an entry point.
        config: whose items and options are used; None: the sample shop's, and none.
        seconds: that one call may take.

    Raises:
        ContractError: there is no such object.
        ConfigError: the config does not use it.
    """
    limit_calls(Limit(seconds, "--seconds"))
    found = kind_of(plug_in).load(name)
    metric = OwnMetric(name="metric", object=name) if plug_in == "metric" else None
    cases, catalog = [Case(metric=metric)], None
    if config is not None:
        cases = list(_uses(plug_in, name, config))
        if not cases:
            raise ConfigError(f"{name} == not used by this config, must be named in it")
        from experiments.running.population import make_supply

        catalog = make_supply(config)[0].catalog
    return [
        (case.place, violation)
        for case in cases
        for violation in SUITES[plug_in](found, case, catalog)
    ]


def _uses(plug_in: str, name: str, config: Config) -> Iterator[Case]:
    """Where a config names the object, and with which options."""
    places: dict[str, Any] = {}
    if plug_in == "channel":
        places = {f"channels.{key}": spec for key, spec in config.channels.items()}
    elif plug_in in ("rewriter", "suggester", "augmentation"):
        section = f"{plug_in}s"
        places = {f"{section}.{key}": spec for key, spec in config.steps[section].items()}
    elif plug_in == "ranker":
        places = {"ranker": config.ranker}
        places |= {f"arms.{arm.name}.ranker": arm.ranker for arm in config.arms if arm.ranker}
    elif plug_in == "understanding":
        places = {f"understanding.{key}": spec for key, spec in config.understanding.items()}
    elif plug_in == "judge":
        places = {f"judges.{key}": spec for key, spec in config.judges.items()}
    elif plug_in == "reward":
        places = {
            f"reward_lab.rewards.{key}.components[{number}]": component
            for key, mix in config.reward_lab.rewards.items()
            for number, component in enumerate(mix.components)
        }
    elif plug_in == "click":
        places = {"world.behavior.click_model": config.world.behavior.click_model}
    elif plug_in == "metric":
        places = {f"analysis.own.{each.name}": each for each in config.analysis.own}
    elif name in config.attribution.rules:
        yield Case("attribution.rules")
    for place, spec in places.items():
        if getattr(spec, "object", None) == name:
            metric = spec if isinstance(spec, OwnMetric) else None
            yield Case(place, dict(spec.options), metric)
