"""What a user plugs in (channels, schemes, models, rankers, judges, rewards ..), tried first."""

from cqsid.loggers.named import check_loggers
from experiments.config.execution import LOGGERS
from experiments.config.schema import Config
from experiments.inference.own.conformance import check_metric
from experiments.stages.executor import plug_in_limit
from experiments.stages.sources import SOURCES
from simulator.calling import limit_calls
from simulator.errors import ContractError, placing
from simulator.spec import Spec


def check_plug_ins(config: Config) -> None:
    """Refuse a plug-in that cannot be imported or made, before a run spends time on its world.

    Raises:
        ContractError: with the setting that names the plug-in.
        ConfigError, DataError: a folder that holds no such model, a logger without its library.
    """
    limit_calls(plug_in_limit(config.execution))
    check_loggers(config.execution.loggers, LOGGERS)
    for name, spec in config.channels.items():
        check_spec(f"channels.{name}", spec)
    for section, specs in config.steps.items():
        for name, step in specs.items():
            check_spec(f"{section}.{name}", step)
    check_spec("ranker", config.ranker)
    for arm in config.arms:
        if arm.ranker is not None:
            check_spec(f"arms.{arm.name}.ranker", arm.ranker)
    for name, filling in config.understanding.items():
        check_spec(f"understanding.{name}", filling)
    for name, judge in config.judges.items():
        check_spec(f"judges.{name}", judge)
    check_spec("world.behavior.click_model", config.world.behavior.click_model)
    for metric in config.analysis.own:
        place = f"analysis.own.{metric.name}"
        check_spec(place, metric)
        for violation in check_metric(metric):  # in a second, where the run's log takes minutes
            raise ContractError(f"{place}: on a sample log {violation}")


def check_rewards(config: Config) -> None:
    """The same for the user's rewards of the reward lab.

    Raises:
        ContractError: with the setting that names the reward.
    """
    for name, mix in config.reward_lab.rewards.items():
        for number, component in enumerate(mix.components):
            check_spec(f"reward_lab.rewards.{name}.components[{number}]", component)


def check_spec(place: str, spec: Spec) -> None:
    """Refuse what settings name and cannot use: a plug-in, or a folder of a model.

    Raises:
        ContractError, ConfigError, DataError: as `check_plug_ins`.
    """
    with placing(place):
        spec.check()
        for module in spec.code():
            if not SOURCES.has(module):
                raise ContractError(f"module == {module!r}, must have a source file")
