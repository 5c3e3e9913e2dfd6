"""A reward from here as an environment for TRL's trainers, which then owns the reward."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cqsid.decoding.trie import Trie
from cqsid.rewards.trl import TrlReward, codes_of_texts, id_texts
from simulator.errors import ContractError

_TITLES = 3  # of an id that is looked up


class _Round:
    """The environments of one batch, in the order in which they were reset.

    TRL resets each once, lets the model act in all of them, and asks for all rewards then.
    Rewards may compare the ids of a request, so they are made for the whole batch at once.
    """

    def __init__(self, reward: TrlReward) -> None:
        self.reward = reward
        self.sids = Trie.of(reward.shop.ids.sids_SL, reward.shop.ids.sizes)
        self._seats: list[RewardEnvironment] = []
        self._values: list[float] | None = None

    def seat(self, environment: "RewardEnvironment") -> None:
        """An environment has been reset; one that was reset before begins another round."""
        if any(each is environment for each in self._seats):
            self._seats = []
        self._seats.append(environment)
        self._values = None

    def said(self) -> None:
        """One of them says something else now."""
        self._values = None

    def value(self, environment: "RewardEnvironment") -> float:
        """The reward of one of them."""
        if self._values is None:
            number = len(self._seats)
            texts = [each.recommended for each in self._seats]
            rows = [each.request for each in self._seats]
            self._values = self.reward([""] * number, texts, request=rows)
        place = next(at for at, each in enumerate(self._seats) if each is environment)
        return self._values[place]


class RewardEnvironment:
    """One rollout: a search is told, ids may be looked up, and one is recommended.

    It keeps TRL's protocol: `reset`, tools, and `get_reward`; see `to_trl_environment`.

    Attributes:
        request: row of the logged request.
        recommended: text of the id that was recommended last; "" for none.
    """

    def __init__(self, round_: _Round) -> None:
        self._round = round_
        self.request: int | None = None
        self.recommended = ""

    def reset(self, request: int | None = None, **columns: Any) -> str:
        """Begin with a request.

        Args:
            request: row of the logged requests, a column of the data set.
            columns: the others; they are left alone.

        Returns:
            What the shopper searches for and clicked lately, to be added to the prompt.

        Raises:
            ContractError: no such request.
        """
        reward = self._round.reward
        known = len(reward.logged)
        row = isinstance(request, int | np.integer) and not isinstance(request, bool)
        if not row or not 0 <= int(request or 0) < known:
            raise ContractError(
                f"{reward.name}: reset(request={request!r}), must be a row of the log, "
                f"0 to {known - 1} (a column 'request' of the data set)"
            )
        self.request, self.recommended = int(request or 0), ""
        self._round.seat(self)
        requests, codes_IL = reward.logged.requests, reward.shop.ids.codes_IL
        clicked_H = requests.history_BH[self.request]
        lately = [text for text in id_texts(codes_IL[clicked_H[clicked_H >= 0]]) if text]
        told = f'Search: "{requests.texts[requests.text_B[self.request]]}".'
        return told + f" Lately clicked: {', '.join(lately)}." * bool(lately)

    def look_up(self, sid: str) -> str:
        """Look up what an id stands for.

        Args:
            sid: The id, such as "<a_12><b_5><c_7>".

        Returns:
            The titles of its first items that are on sale.
        """
        shop = self._round.reward.shop
        row = int(self._rows(sid))
        if row < 0:
            return "no item has this id"
        items = shop.shelves.items[shop.shelves.pointer_S[row] : shop.shelves.pointer_S[row + 1]]
        titles = [str(shop.catalog.title_I[item]) for item in items[:_TITLES]]
        return "; ".join(titles) or "nothing of this id is on sale"

    def recommend(self, sid: str) -> str:
        """Recommend an id for the search. The last one that is recommended counts.

        Args:
            sid: The id, such as "<a_12><b_5><c_7>".

        Returns:
            Whether any item has it.
        """
        row = int(self._rows(sid))
        self.recommended = sid
        self._round.said()
        return "recommended" if row >= 0 else "recommended, but no item has this id"

    def get_reward(self) -> float:
        """The reward of the recommended id, beside those of the same request in the batch.

        Where none was recommended it is that of an id that no item has.

        Raises:
            ContractError: before `reset`, or the reward broke its contract.
        """
        if self.request is None:
            name = self._round.reward.name
            raise ContractError(f"{name}: get_reward() == called first, must be after reset()")
        return self._round.value(self)

    def _rows(self, sid: str) -> np.integer[Any]:
        """The row of an id; -1 where no item has it."""
        if not isinstance(sid, str):
            raise ContractError(f"sid == {sid!r}, must be a text such as <a_1><b_2>")
        codes_1L = codes_of_texts([sid], self._round.reward.vocabulary.sizes)
        found: np.integer[Any] = self._round.sids.find(codes_1L)[0]
        return found


def to_trl_environment(reward: TrlReward) -> Callable[[], RewardEnvironment]:
    """A reward as an `environment_factory` of TRL's trainers; the environments own the reward.

    The model is told a logged search (`reset` adds it to the last message of the prompt) and acts
    by tools: `look_up` tells what an id stands for, `recommend` says the id that is rewarded. So
    its chat template must have tools. The trainer's data set needs a column `request` as for
    `to_trl`, and prompts in the form of messages. The ids of a batch that are of one request,
    one after another, are one group, as they are for `to_trl`; so an evaluation of other
    requests needs no other factory. Several environments of one trainer need a factory each.

    Args:
        reward: of `to_trl(..., parse="text")`: ids are said in words.

    Returns:
        What makes the environments of one trainer. TRL logs the reward as `RewardEnvironment`.

    Raises:
        ContractError: a reward that reads tokens.
    """
    if reward.parse != "text":
        raise ContractError(
            f"{reward.name}: parse == {reward.parse!r}, must be 'text': a model names ids to its "
            "tools in words"
        )
    shared = _Round(reward)
    return lambda: RewardEnvironment(shared)
