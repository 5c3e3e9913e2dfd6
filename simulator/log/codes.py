"""Codes in the log: what was assigned, what a shopper did next, and why a session ended."""

from enum import IntEnum


class UnitKind(IntEnum):
    """What an experiment assigns to its arms."""

    SHOPPER = 0
    PERIOD = 1  # of time
    QUERY_CLUSTER = 2  # texts about one thing
    ITEM = 3


class NextAction(IntEnum):
    """What a shopper does after a page."""

    LEAVE = 0
    NEXT_PAGE = 1  # look at the next page of the same query
    REFORMULATE = 2  # search again in other words
    NEXT_NEED = 3  # the need is met; search for another one


class EndReason(IntEnum):
    """Why a session ended."""

    SATISFIED = 0  # found what was wanted and bought nothing, or will buy later
    BOUGHT = 1  # bought at least one item
    SOLD_OUT = 2  # wanted to buy, but every choice was gone at that moment
    OUT_OF_PATIENCE = 3  # made as many requests as the shopper had patience for
    FRUSTRATED = 4  # results were shown and not worth going on
    PAGE_TOO_SLOW = 5  # left before the page came
    NOTHING_FOUND = 6  # an empty page, and no other words tried
    IDLE = 7  # nothing happened for 30 minutes
    PERIOD_OVER = 8  # the simulated period ended first
