"""What a user might measure: sound metrics and broken ones."""

import itertools
import time

import numpy as np


def margin(tables, *, rate=0.3):
    return tables.sql(
        f"SELECT shopper, sum(price * quantity) * {rate} AS numerator FROM orders GROUP BY shopper"
    )


class MedianPrice:
    def __call__(self, tables):
        return tables.sql("SELECT shopper, price AS value FROM orders")

    def statistic(self, values):
        return np.median(values)


def strangers(tables):
    return {"shopper": np.array([10**9]), "numerator": np.array([1.0])}


def nothing(tables):
    return None


def unequal(tables):
    return {"shopper": np.arange(3), "numerator": np.ones(2)}


def texts(tables):
    return {"shopper": np.array([0]), "numerator": np.array(["many"], dtype=object)}


def endless(tables):
    return {"shopper": np.array([0]), "numerator": np.array([np.inf])}


def raises(tables):
    return tables.orders


def hangs(tables):
    time.sleep(60)


_count = itertools.count()


def drifts(tables):
    rows = tables.sql("SELECT shopper, 1.0 AS numerator FROM requests")
    return {**rows, "numerator": rows["numerator"] + next(_count)}


class Undefined(MedianPrice):
    def statistic(self, values):
        return float("nan")
