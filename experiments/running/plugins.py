"""What a user plugs in (channels, schemes, models, rankers, click models, rewards), tried first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from cqsid.registry import ChannelSpec, build_channel
from cqsid.rewards.custom import GROUP, CustomReward
from cqsid.settings import CqsidSpec
from cqsid.tokenizer.schemes.settings import IdsSpec
from experiments.config.schema import Config
from experiments.stages.keys import source_digest
from ranking.rankers.registry import RankerSpec
from recall.registry import CustomSpec
from simulator.behaviour.clickmodels import CustomClickModel
from simulator.errors import ConfigError, ContractError, DataError, FunnelabError
from simulator.plugins import load_object


def check_plug_ins(config: Config) -> None:
    """Refuse a plug-in that cannot be imported or made, before a run spends time on its world.

    Raises:
        ContractError: with the setting that names the plug-in.
        ConfigError, DataError: a folder that holds no such model.
    """
    for name, spec in config.channels.items():
        check_channel_spec(name, spec)
    rankers = {"ranker": config.ranker}
    rankers |= {f"arms.{arm.name}.ranker": arm.ranker for arm in config.arms if arm.ranker}
    for place, ranker in rankers.items():
        if plug_in_modules(ranker):  # made of the features, which need the history
            _check(place, ranker, partial(load_object, ranker.object))
    model = config.world.behavior.click_model
    if isinstance(model, CustomClickModel):
        _check("world.behavior.click_model", model, partial(_click_model, model))


def check_rewards(config: Config) -> None:
    """The same for the user's rewards of the reward lab.

    Raises:
        ContractError: with the setting that names the reward.
    """
    for name, mix in config.reward_lab.rewards.items():
        for number, component in enumerate(mix.components):
            if isinstance(component, CustomReward):
                place = f"reward_lab.rewards.{name}.components[{number}]"
                _check(place, component, partial(component.made, component.type))


def check_channel_spec(name: str, spec: ChannelSpec) -> None:
    """Refuse what a channel names and cannot use: a plug-in, or a folder of a model.

    Raises:
        ContractError, ConfigError, DataError: as `check_plug_ins`.
    """
    place = f"channels.{name}"
    if isinstance(spec, CustomSpec):
        _check(place, spec, partial(build_channel, name, spec))
    if isinstance(spec, CqsidSpec):
        _check_generative(place, spec)


def _check_generative(place: str, spec: CqsidSpec) -> None:
    from cqsid.checks import check_settings  # torch, only where it is used

    if spec.ids.object is not None:
        _check(f"{place}.ids", spec.ids, partial(_scheme, spec.ids))
    with placing(place):
        check_settings(spec)


def _scheme(spec: IdsSpec) -> None:
    from cqsid.tokenizer.schemes.registry import build_scheme

    build_scheme(spec)


def channel_data(spec: ChannelSpec) -> list[str]:
    """The files and folders of the user's that decide what a channel learns."""
    if not isinstance(spec, CqsidSpec):
        return []
    learned = (spec.model.backbone, spec.text.encoder)
    named = (spec.checkpoint,) if spec.checkpoint is not None else learned
    return [folder for folder in named if folder is not None]


def plug_in_modules(spec: Any) -> list[str]:
    """The module of the plug-in that a spec names; none for what is built in."""
    named = isinstance(spec, CustomSpec | CustomClickModel)
    named = named or (isinstance(spec, RankerSpec) and spec.type == "custom")
    named = named or (isinstance(spec, IdsSpec) and spec.object is not None)
    if isinstance(spec, CustomReward):
        points = {point.name: point.value for point in entry_points(group=GROUP)}
        return [points.get(spec.object, spec.object).partition(":")[0]]
    return [spec.object.partition(":")[0]] if named else []


def channel_code(spec: ChannelSpec) -> list[str]:
    """The packages and modules whose source decides what a channel does."""
    generative = ["cqsid", *plug_in_modules(spec.ids)] if isinstance(spec, CqsidSpec) else []
    return ["recall", *generative, *plug_in_modules(spec)]


@contextmanager
def blaming(place: str, wanted: str) -> Iterator[None]:
    """Turn whatever a plug-in raises into a ContractError that names the plug-in."""
    try:
        yield
    except FunnelabError:
        raise
    except Exception as error:
        raise ContractError(f"{place} raised {error!r}, must {wanted}") from error


@contextmanager
def placing(place: str) -> Iterator[None]:
    """Tell in an error which part of the config it is about."""
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{place}: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def _check(place: str, spec: Any, make: Callable[[], object]) -> None:
    try:
        make()
    except ContractError as error:
        raise ContractError(f"{place}: {error}") from error
    try:
        source_digest(*plug_in_modules(spec))
    except (ImportError, ValueError, OSError) as error:
        raise ContractError(
            f"{place}.object == {spec.object!r}, must be in a module with a source file"
        ) from error


def _click_model(model: CustomClickModel) -> None:
    """Make a click model and show it two pages with three results each."""
    with blaming(f"{model.object}(**{model.options})", "return a click model"):
        made = load_object(model.object)(**model.options)
    attraction_BK = np.zeros((2, 5), np.float32)
    attraction_BK[:, :3] = 0.9
    luck_BK = np.full((2, 5), 0.5, np.float32)
    with blaming(f"{model.object}()(...)", "return what is examined and what is clicked"):
        examined_BK, clicked_BK = made(attraction_BK, np.array([True, False]), luck_BK, luck_BK)
    for what, found_BK in (("examined", examined_BK), ("clicked", clicked_BK)):
        if np.shape(found_BK) != (2, 5) or np.asarray(found_BK).dtype != np.bool_:
            found = f"{np.asarray(found_BK).dtype} of shape {np.shape(found_BK)}"
            raise ContractError(
                f"{model.object}()(...).{what} == {found}, must be bool of shape (2, 5)"
            )
    if (clicked_BK & ~examined_BK).any():
        raise ContractError(
            f"{model.object}()(...).clicked == True where not examined, must be examined first"
        )
