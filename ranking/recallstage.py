"""The recall of one arm: its channels asked, checked, and merged."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recall.candidates import Candidates, Pool
from recall.channel import Channel, Refreshable, Yielding
from recall.contract import CandidatesError, validate_candidates
from recall.merge import Merge
from recall.settings import MergeSpec
from simulator.calling import Ended, TimeLimitError, call, users_line
from simulator.errors import ConfigError, printable
from simulator.failures import Failure, note_failure
from simulator.protocols import FaultReason, Index, Requests

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drop:
    """A channel that was dropped from a whole batch, and the first thing it did wrong."""

    channel: str
    reason: FaultReason
    detail: str


@dataclass(frozen=True)
class Recalled:
    """What the channels found for a batch of requests.

    Attributes:
        found: the candidates of each channel that kept its contract.
        drops: the channels that did not.
    """

    found: Mapping[str, Candidates]
    drops: Sequence[Drop]

    def rows(self, rows: NDArray[np.intp] | slice) -> "Recalled":
        """What they found for some of the requests (an index array or a slice)."""
        return Recalled({name: of.rows(rows) for name, of in self.found.items()}, self.drops)


class RecallStage:
    """Asks the channels of an arm and merges what they find.

    Args:
        n_items: items in the catalogue.
        channels: fitted channels by name.
        universe: names of the channels of all arms, in the order of the provenance bits.
        limits: candidates to ask of each channel.
        spec: settings of the merge.
        batch: requests that a channel is asked at once; a matter of speed alone.

    Attributes:
        available_I: items on sale and in stock at the last refresh.

    Raises:
        ConfigError: if there is no channel, or one that `universe` or `limits` do not name.
    """

    def __init__(
        self,
        n_items: int,
        channels: Mapping[str, Channel],
        universe: tuple[str, ...],
        limits: Mapping[str, int],
        spec: MergeSpec,
        batch: int = 512,
    ) -> None:
        _check(channels, universe, limits)
        self.n_items = n_items
        self.channels = dict(channels)
        self.universe = universe
        self.limits = {name: limits[name] for name in channels}
        self.spec = spec
        self.batch = batch
        self._merge = Merge(spec, universe)
        self._broken: set[str] = set()
        self._stale: dict[str, Drop] = {}  # channels that could not read the last snapshot
        self.available_I = np.ones(n_items, np.bool_)

    def renew(self, channels: Mapping[str, Channel]) -> None:
        """Ask other fitted channels from now on; they know nothing of the shop before a refresh.

        Args:
            channels: those that take the place of the channels of these names.

        Raises:
            ConfigError: one of a name that the stage does not have.
        """
        for name in channels:
            if name not in self.channels:
                own = ", ".join(self.channels)
                raise ConfigError(f"channel == {name!r}, must be one of the stage's: {own}")
        self.channels |= channels

    def refresh(self, index: Index, arm: int) -> None:
        """Hand the snapshot to the channels that read one."""
        self.available_I = index.available_I
        self._stale = {}
        for name, channel in self.channels.items():
            if isinstance(channel, Refreshable):
                try:
                    call(f"channel {name}: refresh()", channel.refresh, index, arm)
                except TimeLimitError:
                    raise  # it would be waited for at every batch
                except Exception as error:  # dropped until it has read a later one
                    self._stale[name] = _raised(name, error, "refresh(): ")

    def recall(
        self,
        requests: Requests,
        known: Mapping[str, Candidates] = MappingProxyType({}),
        *,
        steps: Mapping[str, NDArray[np.int8]] = MappingProxyType({}),
    ) -> Recalled:
        """Ask every channel; whichever breaks is dropped from the whole batch.

        Args:
            requests: a batch.
            known: answers to it that are at hand, of channels that need not be asked again.
            steps: of channels with servers, (B,) what they do for each request, by the number of
                their step; a negative one asks nothing of them. All other channels do all they can.
        """
        found: dict[str, Candidates] = {}
        drops: list[Drop] = []
        for name in self.channels:
            if name in known:
                found[name] = known[name]
                continue
            if name in self._stale:
                drops.append(self._stale[name])
                continue
            try:
                found[name] = self._ask(name, requests, steps.get(name))
            except CandidatesError as error:
                drops.append(Drop(name, error.reason, str(error)))
            except TimeLimitError:
                raise
            except Exception as error:  # a plug-in may fail in any way; the page must be served
                drops.append(_raised(name, error))
        for drop in drops:
            note_failure(
                Failure(f"channel {drop.channel}", drop.reason, len(requests), drop.detail)
            )
            if drop.channel not in self._broken:
                logger.warning("channel %s dropped: %s", drop.channel, drop.detail)
                self._broken.add(drop.channel)
        return Recalled(found, drops)

    def _ask(self, name: str, requests: Requests, step_B: NDArray[np.int8] | None) -> Candidates:
        """What a channel finds, asked `batch` requests at a time."""
        parts, limit, channel = [], self.limits[name], self.channels[name]
        for start in range(0, len(requests), self.batch):
            some = slice(start, start + self.batch)
            asked = requests.rows(some)
            if step_B is None or not isinstance(channel, Yielding):
                found = call(f"channel {name}: recall()", channel.recall, asked, limit)
            else:
                step = np.maximum(step_B[some], 0)
                found = call(f"channel {name}: recall_at()", channel.recall_at, asked, limit, step)
            validate_candidates(found, len(asked), limit, self.n_items)
            parts.append(found)
        joined = Candidates.joined(parts)
        return joined if step_B is None else _without(joined, step_B < 0)

    def merge(self, recalled: Recalled, late_BC: NDArray[np.bool_]) -> Pool:
        """The pool of what was recalled.

        Args:
            recalled: what the channels found.
            late_BC: which channels are left out for which of the requests.
        """
        found = [
            _without(recalled.found[name], late_BC[:, bit]) if name in recalled.found else None
            for bit, name in enumerate(self.universe)
        ]
        return self._merge(found, len(late_BC), self.available_I)

    def pool(self, requests: Requests) -> Pool:
        """The pool of one batch when nothing is late; what training replays."""
        nothing_late_BC = np.zeros((len(requests), len(self.universe)), np.bool_)
        return self.merge(self.recall(requests), nothing_late_BC)


def _raised(channel: str, error: Exception, place: str = "") -> Drop:
    found = users_line(error)  # the name of the file alone: logs know no machine
    line = f" ({found[0].name}, line {found[1]})" if found is not None else ""
    what = str(error) if isinstance(error, Ended) else f"{type(error).__name__}: {error}"
    return Drop(channel, FaultReason.RAISED, printable(f"{place}{what}{line}"))


def _without(found: Candidates, late_B: NDArray[np.bool_]) -> Candidates:
    """The candidates, none for the late rows."""
    if not late_B.any():
        return found
    items_BN = np.where(late_B[:, None], np.int32(-1), found.items_BN)
    return Candidates(items_BN, found.scores_BN, found.late_B)


def _check(
    channels: Mapping[str, Channel], universe: tuple[str, ...], limits: Mapping[str, int]
) -> None:
    if not channels:
        raise ConfigError("arm.channels == [], must name at least one channel")
    for name in channels:
        for place, names in (("channels", universe), ("limits", tuple(limits))):
            if name not in names:
                raise ConfigError(f"{place} == {list(names)}, must hold {name!r} (used by an arm)")
