"""Rewards from here in TRL's trainers, and TRL's reward functions in the lab."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.trie import Trie
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.remarks import Remarker
from cqsid.rewards.reward import Reward, Samples, checked
from cqsid.rewards.shop import Shop
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
"""Names of the levels in a text."""

_NUMBER: Final = "(0|[1-9][0-9]{0,8})"


def id_texts(codes_NL: Ints) -> list[str]:
    """Ids as texts such as "<a_12><b_5><c_7>"; "" for a row with a negative code."""
    letters = LETTERS[: codes_NL.shape[1]]
    return [
        "".join(f"<{letter}_{code}>" for letter, code in zip(letters, codes_L, strict=True))
        if min(codes_L) >= 0
        else ""
        for codes_L in codes_NL.tolist()
    ]


def id_tokens(codes_NL: Ints, vocabulary: Vocabulary) -> list[list[int]]:
    """The tokens of each id; none for a row with a negative code."""
    there_N = np.all(codes_NL >= 0, axis=1).tolist()
    tokens = vocabulary.tokens(codes_NL).tolist()
    return [row if there else [] for row, there in zip(tokens, there_N, strict=True)]


def codes_of_texts(texts: Sequence[str], sizes: tuple[int, ...]) -> Ints:
    """(N, L) int32 the codes of such texts; a row of -1 for a text that is not one id.

    Blanks around an id and between its codes are allowed, as some tokenizers put them there.
    """
    tokens = (rf"<{letter}_{_NUMBER}>" for letter in LETTERS[: len(sizes)])
    one_id = re.compile(r"\s*" + r"\s*".join(tokens) + r"\s*")
    found = [one_id.fullmatch(text) for text in texts]
    rows = [[int(code) for code in each.groups()] if each else [-1] * len(sizes) for each in found]
    return _legal(np.array(rows, np.int64).reshape(len(texts), len(sizes)), sizes)


def codes_of_tokens(tokens: Sequence[Sequence[int]], vocabulary: Vocabulary) -> Ints:
    """(N, L) int32 the codes of completions; a row of -1 for one that is not L codes in order.

    `vocabulary.pad` may follow an id: TRL hands over the mark that ended a completion, and the
    generator's vocabulary has no other that could be one.
    """
    sizes, pad = vocabulary.sizes, vocabulary.pad
    lists = Ragged.of([_before_pads(list(each), pad) for each in tokens])
    whole_N = lists.lengths == len(sizes)
    codes_NL = np.full((len(lists), len(sizes)), -1, np.int64)
    kept = lists.take(np.flatnonzero(whole_N)).values.reshape(-1, len(sizes))
    codes_NL[whole_N] = kept - vocabulary.offset_L
    return _legal(codes_NL, sizes)


def _before_pads(tokens: list[int], pad: int) -> list[int]:
    while tokens and tokens[-1] == pad:
        tokens.pop()
    return tokens


def _legal(codes_NL: NDArray[np.int64], sizes: tuple[int, ...]) -> Ints:
    inside_N = np.all((codes_NL >= 0) & (codes_NL < np.array(sizes)), axis=1)
    return np.where(inside_N[:, None], codes_NL, -1).astype(np.int32)


Floats = NDArray[np.float32]
Reading = Literal["tokens", "text"]
TrlFunction = Callable[..., Sequence[float | None]]

_LISTS: Final = ("exposed", "clicked", "bought")


@dataclass(frozen=True)
class TrlReward:
    """A reward from here as one of TRL's reward functions. It can be pickled if its reward can.

    Attributes:
        reward, shop, logged, vocabulary, name, parse: see `to_trl`.
    """

    reward: Reward | Mix
    shop: Shop
    logged: Logged
    vocabulary: Vocabulary
    name: str
    parse: Reading

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float]:
        """The reward of each completion.

        Raises:
            ContractError: no column `request` with rows of the logged requests, no token ids where
                these are read, or a reward that is no finite number.
        """
        request_N = self._requests(columns.get("request"), len(prompts))
        codes_NL = self._codes(completions, completion_ids)
        values_N = np.empty(len(prompts), np.float32)
        start_R = np.flatnonzero(np.diff(request_N, prepend=-1))
        size_R = np.diff(start_R, append=len(request_N))
        for size in np.unique(size_R).tolist():
            place_BG = start_R[size_R == size][:, None] + np.arange(size)
            values_N[place_BG] = self._values(request_N[place_BG[:, 0]], codes_NL[place_BG])
        return [float(value) for value in values_N]

    def _requests(self, column: Sequence[int] | None, number: int) -> NDArray[np.int64]:
        if column is None:
            raise ContractError(f"{self.name}: columns hold no 'request', must: rows of the log")
        request_N = np.asarray(column)
        if request_N.shape != (number,) or request_N.dtype.kind not in "iu":
            found = f"{request_N.dtype} of shape {request_N.shape}"
            raise ContractError(f"{self.name}: request == {found}, must be {number} integers")
        wrong = (request_N < 0) | (request_N >= len(self.logged))
        if wrong.any():
            found = request_N[wrong][0]
            raise ContractError(
                f"{self.name}: request == {found}, must be 0 to {len(self.logged) - 1}"
            )
        return request_N.astype(np.int64)

    def _codes(
        self, completions: Sequence[Any], completion_ids: Sequence[Sequence[int]] | None
    ) -> Ints:
        if self.parse == "text":
            return codes_of_texts([_said(each) for each in completions], self.vocabulary.sizes)
        if completion_ids is None:
            raise ContractError(f"{self.name}: completion_ids == None, must be tokens")
        return codes_of_tokens(completion_ids, self.vocabulary)

    def _values(self, request_B: NDArray[np.int64], codes_BGL: Ints) -> Floats:
        shape, levels = codes_BGL.shape[:2], codes_BGL.shape[2]
        sid_BG = self._trie.find(codes_BGL.reshape(-1, levels)).reshape(shape)
        logged, samples = self.logged.rows(request_B), Samples(codes_BGL, sid_BG)
        if isinstance(self.reward, Mix):
            values_BG = self.reward(logged, samples)
        else:
            values_BG = self.reward(logged, samples, self.shop)
        return checked(values_BG, shape, self.name)

    @cached_property
    def _trie(self) -> Trie:
        return Trie.of(self.shop.ids.sids_SL, self.shop.ids.sizes)


def to_trl(
    reward: Reward | Mix,
    shop: Shop,
    logged: Logged,
    vocabulary: Vocabulary,
    *,
    name: str = "reward",
    parse: Reading = "tokens",
) -> TrlReward:
    """A reward as a reward function for TRL's trainers.

    The trainer's data set needs a column `request`: the row of `logged` that each prompt asks for.
    Completions in a row with the same request are one group, so that rewards may compare its ids;
    requests with groups of another size are rewarded apart. A trainer on several devices must not
    share a group out among them. A completion that is no id becomes one of codes -1 that no item
    has; so, with its codes kept, does one that is well formed and that no item has.

    Args:
        reward: one reward, or a mix.
        shop: what it may look up; a mix has its own, of which this must be the one.
        logged: the requests.
        vocabulary: tokens of the generator; for texts its levels alone.
        name: under which TRL logs it.
        parse: tokens: completions are tokens of `vocabulary`; text: they are texts such as
            "<a_12><b_5><c_7>", or chat messages, of another tokenizer with such tokens. TRL leaves
            out special tokens when it decodes, so that these must be ordinary added ones.

    Raises:
        ContractError: levels of another size than the shop's ids have.
    """
    if vocabulary.sizes != shop.ids.sizes:
        raise ContractError(f"vocabulary.sizes == {vocabulary.sizes}, must be {shop.ids.sizes}")
    if len(vocabulary.sizes) > len(LETTERS):
        raise ContractError(f"levels == {len(vocabulary.sizes)}, must be <= {len(LETTERS)}")
    return TrlReward(reward, shop, logged, vocabulary, name, parse)


@dataclass(frozen=True)
class FromTrl:
    """One of TRL's reward functions as a reward of the lab; see `from_trl`."""

    function: TrlFunction
    vocabulary: Vocabulary

    def __call__(self, logged: Logged, samples: Samples, shop: Shop) -> Floats:
        """(B, G) what the function says.

        Raises:
            ContractError: not one finite number for each id, or something logged that is none.
        """
        requests, (rows, size) = logged.requests, samples.shape
        row_N = np.repeat(np.arange(rows), size)
        codes_NL = samples.codes_BGL.reshape(rows * size, -1)
        texts_B = [requests.texts[text] for text in requests.text_B]
        lists = {name: _texts_of(getattr(logged, name), shop.ids) for name in _LISTS}
        remarker = Remarker(_name_of(self.function), rows * size)
        values = self.function(
            prompts=[texts_B[row] for row in row_N],
            completions=id_texts(codes_NL),
            completion_ids=id_tokens(codes_NL, self.vocabulary),
            request=row_N.tolist(),
            trainer_state=None,
            log_extra=remarker.log_extra,
            log_metric=remarker.log_metric,
            **{name: [column[row] for row in row_N] for name, column in lists.items()},
        )
        name = _name_of(self.function)
        if any(value is None for value in values):
            raise ContractError(
                f"{name} == None for an id, must be a number: whether an id to which a reward does "
                "not apply is a good one or a bad one must be said"
            )
        values_N = np.asarray(values, np.float32)
        if values_N.shape != (rows * size,):
            raise ContractError(f"{name}: {len(values)} values, must be {rows * size}")
        return checked(values_N.reshape(rows, size), (rows, size), name)


def from_trl(function: TrlFunction, vocabulary: Vocabulary) -> FromTrl:
    """A reward function written for TRL as a reward of the lab.

    It is called with a request's text as prompt, an id as completion, "<a_12><b_5><c_7>", and as
    tokens of `vocabulary`; `request`, its place among the requests of the call; `exposed`,
    `clicked` and `bought`, the ids as texts of the items the log has of it (without those that
    have no id); `trainer_state` None; and `log_extra` and `log_metric` that do nothing. None, by
    which a function tells TRL that it does not apply, is refused: TRL leaves the reward out of the
    sum, which counts as 0 beside others, and 0 may be a good value or a bad one.

    Args:
        function: a function, not a model, and not asynchronous.
        vocabulary: the generator's tokens.

    Raises:
        ContractError: the function is asynchronous.
    """
    inner = _inner(function)
    calls = (inner, getattr(inner, "__call__", None))  # noqa: B004  an instance's own call
    if any(inspect.iscoroutinefunction(call) for call in calls):
        raise ContractError(f"{_name_of(function)} is asynchronous, must not be")
    return FromTrl(function, vocabulary)


def _said(completion: str | Sequence[dict[str, Any]]) -> str:
    """The text of a completion; of a chat, what the last message says."""
    if isinstance(completion, str):
        return completion
    said = completion[-1].get("content") if completion else ""
    return said if isinstance(said, str) else ""


def _texts_of(lists: Ragged, ids: SemanticIds) -> list[list[str]]:
    """For each request, the ids of its items as texts."""
    texts = id_texts(ids.codes_IL[lists.values])
    bounds = lists.pointer.tolist()
    return [[text for text in texts[start:stop] if text] for start, stop in pairwise(bounds)]


def _inner(function: Any) -> Any:
    """A function without the arguments that are set already."""
    return function.func if isinstance(function, partial) else function


def _name_of(function: Any) -> str:
    """The name under which TRL logs a function (trl.trainer.utils.get_callable_name)."""
    inner = _inner(function)
    return str(getattr(inner, "__name__", type(inner).__name__))
