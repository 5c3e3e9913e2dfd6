"""Rewards as a user might write them, good and bad."""

import numpy as np


def constant(logged, samples, shop, height=1.0):
    return np.full(samples.shape, height)


def peeking(logged, samples, shop):
    return np.full(samples.shape, shop.oracle is not None)


def transposed(logged, samples, shop):
    return np.zeros(samples.shape[::-1])


def undefined(logged, samples, shop):
    values = np.zeros(samples.shape)
    values[1, 2] = np.nan
    return values


def failing(logged, samples, shop):
    raise KeyError("no such thing")


def short(logged, samples):
    return np.zeros(samples.shape)


class Counted:
    """A class; what it makes is the reward."""

    made = 0

    def __init__(self, height=1.0):
        type(self).made += 1
        self.height = height

    def __call__(self, logged, samples, shop):
        return np.full(samples.shape, self.height, np.float32)


class PerCode(Counted):
    """Also tells what single codes are worth."""

    def levels(self, logged, samples, shop):
        return np.full(samples.codes_BGL.shape, self.height / 2)


class WrongLevels(Counted):
    def levels(self, logged, samples, shop):
        return np.zeros(samples.shape)


class Uncallable:
    """Makes nothing that can be called."""


class Refusing:
    def __init__(self):
        raise ValueError("not today")
