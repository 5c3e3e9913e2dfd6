"""What one section of the settings leaves open and others decide, filled in before the check.

It is done on what the TOML file says, since a model that has been checked is frozen, and since a
validator that runs before the others would make pydantic refuse JSON's lists where it is strict.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from cqsid.registry import GENERATIVE_TYPES


def with_defaults(raw: Any) -> Any:
    """Raw settings that name the control arm, and the arm and channel of the labs.

    What has not the form of settings stays as it is: the check that follows tells what is wrong.
    """
    arms = raw.get("arms") if isinstance(raw, Mapping) else None
    if not isinstance(arms, list | tuple) or not arms:
        return raw
    first, last = _get(arms[0], "name"), _get(arms[-1], "name")
    filled = {**raw, "attribution": _filled(raw.get("attribution", {}), "arm", last)}
    lab = raw.get("reward_lab", {})
    if _get(lab, "policies") or (_get(lab, "rewards") and _get(lab, "algorithms")):
        lab = _filled(lab, "arm", last)
        generative = _generative(arms, _get(lab, "arm"), raw.get("channels"))
        if len(generative) == 1:
            lab = _filled(lab, "channel", generative[0])
        filled["reward_lab"] = lab
    return _filled(filled, "control", first)


def _generative(arms: list[Any] | tuple[Any, ...], name: Any, channels: Any) -> list[str]:
    """The channels of an arm that generate ids."""
    of_arm = [_get(arm, "channels") for arm in arms if _get(arm, "name") == name]
    if not of_arm or not isinstance(of_arm[-1], list | tuple) or not isinstance(channels, Mapping):
        return []
    names = [each for each in of_arm[-1] if isinstance(each, str)]
    return [each for each in names if _get(channels.get(each), "type") in GENERATIVE_TYPES]


def _get(section: Any, key: str) -> Any:
    return section.get(key) if isinstance(section, Mapping) else getattr(section, key, None)


def _filled(section: Any, key: str, value: Any) -> Any:
    """A section with a value where it has none or an empty one."""
    if _get(section, key) not in (None, "") or not isinstance(value, str):
        return section
    if isinstance(section, BaseModel):
        return section.model_copy(update={key: value})
    return {**section, key: value} if isinstance(section, Mapping) else section
