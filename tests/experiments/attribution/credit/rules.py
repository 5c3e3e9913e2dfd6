"""Credit rules that a user might bring, good ones and broken ones."""

import numpy as np


class Newest:
    """All credit to the last touch of the path."""

    def __call__(self, paths):
        last = np.append(paths.outcome_T[1:] != paths.outcome_T[:-1], True)
        return last[: len(paths.age_T)]


class Decay:
    """Time decay as built in, with a half-life of two days."""

    def __init__(self, half_life_days: float = 2.0) -> None:
        self.half_life = half_life_days * 86_400

    def __call__(self, paths):
        return np.exp2(-paths.age_T / self.half_life)


def even(paths):
    return np.ones(len(paths.age_T), np.int64)


def by_channel(paths):
    """Linear, told as credits of channels."""
    found_TC = (paths.sources_T[:, None] >> np.arange(len(paths.channels))) & 1
    share_TC = found_TC / found_TC.sum(axis=1, keepdims=True)
    share_TC /= paths.n_E[paths.outcome_T][:, None]
    credits_EC = np.zeros((len(paths), len(paths.channels)))
    np.add.at(credits_EC, paths.outcome_T, share_TC)
    return credits_EC


def nothing(paths):
    return np.zeros(len(paths.age_T))


def raising(paths):
    raise RuntimeError("not today")


def words(paths):
    return np.full(len(paths.age_T), "all")


def short(paths):
    return np.ones(len(paths.age_T) + 1)


def unknown(paths):
    return np.where(paths.own_T, np.nan, 1.0)


def endless(paths):
    return np.where(paths.own_T, np.inf, 1.0)


def negative(paths):
    return np.where(paths.own_T, 2.0, -0.1)


def huge(paths):
    return np.full(len(paths.age_T), 1e308)


def too_much(paths):
    return np.ones((len(paths), len(paths.channels)))


def below_zero(paths):
    credits_EC = np.zeros((len(paths), len(paths.channels)))
    credits_EC[:, 0], credits_EC[:, 1] = 2.0, -1.0
    return credits_EC


def mixed(paths):
    """Weighs a touch by all outcomes of the batch."""
    return 1.0 + paths.age_T / (1.0 + paths.age_T.max(initial=0.0))


def by_place(paths):
    """Knows the batch's rows."""
    return 1.0 + np.arange(len(paths.age_T))


def writing(paths):
    paths.age_T[:] = 0.0
    return np.ones(len(paths.age_T))


def without_outcomes(paths):
    return np.ones(len(paths.age_T)) / paths.age_T.max() + 1


class Forgetful:
    """Answers otherwise every time."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, paths):
        self.times += 1
        return 1.0 + self.times * paths.own_T


class Refusing:
    def __init__(self) -> None:
        raise ValueError("no luck")


class Uncallable:
    pass
