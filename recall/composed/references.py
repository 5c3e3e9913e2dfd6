"""Which channels are made of which: what settings may not name, and what comes before what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from recall.settings import ChannelSettings, Reference
from recall.steps.settings import StepSettings
from simulator.errors import closest

Steps = Mapping[str, Mapping[str, StepSettings]]
"""Settings of all steps, by section and name."""

_KINDS = {
    "channels": "a channel",
    "judges": "a judge",
    "rewriters": "a rewriter",
    "suggesters": "a suggester",
    "augmentations": "an augmentation",
    "ranker": "the ranker",
}
_NONE: Steps = MappingProxyType({})
_RANKER = "ranker"


def problems_of_references(
    channels: Mapping[str, ChannelSettings],
    judges: Collection[str],
    steps: Steps = _NONE,
    no_ranker: str = "",
) -> list[str]:
    """What channels and steps name and cannot be made of, as place, value found and value wanted.

    Args:
        channels: settings of all channels, by name.
        judges: names of all judges.
        steps: settings of all steps.
        no_ranker: why the common ranker cannot score candidates; "" where it can.
    """
    known = {"channels": [*channels], "judges": [*judges], _RANKER: [_RANKER]}
    known |= {section: [*specs] for section, specs in steps.items()}
    sections: dict[str, Mapping[str, ChannelSettings | StepSettings]] = {"channels": channels}
    problems = [
        f"{section}.{name}.{each.field} == {each.name!r}, {wanted}"
        for section, specs in (sections | dict(steps)).items()
        for name, spec in specs.items()
        for each in spec.references()
        if (wanted := _wanted(each, known, channels, no_ranker))
    ]
    circle = _circle(channels, steps)
    if circle:
        told = " -> ".join(circle)
        problems.append(
            f"channels.{circle[0]} == made of {told}, must not be made of itself in the end"
        )
    return problems


def _wanted(
    each: Reference,
    known: Mapping[str, list[str]],
    channels: Mapping[str, ChannelSettings],
    no_ranker: str,
) -> str:
    """What a name must be that is none of the right kind; "" where it is one."""
    found = [kind for kind in each.kinds if each.name in known[kind]]
    kinds = _listed(each.kinds)
    if not found:
        names = [name for kind in each.kinds for name in known[kind]]
        near = closest(each.name, names)
        among = f"{near} (the closest known)" if near else f"one of {', '.join(names) or 'none'}"
        return f"must be the name of {kinds}: {among}"
    if len(found) > 1:
        return f"must be the name of {kinds} alone: there are both"
    if found == [_RANKER] and no_ranker:
        others = _listed([kind for kind in each.kinds if kind != _RANKER])
        return f"must be {others}: {no_ranker}"
    if found == ["channels"]:
        part = channels[each.name]
        if each.scores and not part.scores_pairs:
            able = [name for name, spec in channels.items() if spec.scores_pairs]
            told = ", ".join(able) or "none here"
            return f"must be a judge or a channel that scores given items: {told}"
        if not each.scores and not each.learns and part.servers is not None:
            return "must be a channel without servers: their queue would not see these requests"
    return ""


def _listed(kinds: Sequence[str]) -> str:
    """What a name may be the name of, in words."""
    *most, last = (_KINDS[kind] for kind in kinds)
    return f"{', '.join(most)} or {last}" if most else last


def _circle(channels: Mapping[str, ChannelSettings], steps: Steps) -> list[str]:
    """Channels of which each is made of the next and the last of the first; [] where none is."""
    for name in channels:
        path: list[str] = []
        waiting = [(name, path)]
        while waiting:
            here, path = waiting.pop()
            if here in path:
                return [*path[path.index(here) :], here]
            waiting += [(other, [*path, here]) for other in parts_of(channels, here, steps)]
    return []


def parts_of(channels: Mapping[str, ChannelSettings], name: str, steps: Steps = _NONE) -> list[str]:
    """The channels that a channel names as its parts, and those that its steps name, each once."""
    if name not in channels:
        return []
    return list(dict.fromkeys(_channels_of(channels[name], channels, steps)))


def _channels_of(
    spec: ChannelSettings | StepSettings, channels: Mapping[str, ChannelSettings], steps: Steps
) -> list[str]:
    """Names of the channels that settings refer to, also by way of steps."""
    found: list[str] = []
    for each in spec.references():
        if "channels" in each.kinds and each.name in channels:
            found.append(each.name)
        for kind in each.kinds:
            step = steps.get(kind, {}).get(each.name)
            found += _channels_of(step, channels, steps) if step is not None else []
    return found


def with_parts(
    channels: Mapping[str, ChannelSettings], names: Iterable[str], steps: Steps = _NONE
) -> list[str]:
    """These channels and all that they are made of, each after its parts."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for other in parts_of(channels, name, steps):
            add(other)
        found.setdefault(name)

    for name in names:
        add(name)
    return list(found)


def timed(channels: Mapping[str, ChannelSettings], name: str) -> ChannelSettings:
    """Settings of a channel with the time that the channels take that it is made of."""
    spec = channels[name]
    parts = {
        each.field: timed(channels, each.name)
        for each in spec.references()
        if "channels" in each.kinds and each.name in channels
    }
    return spec.over(parts) if spec.references() else spec
