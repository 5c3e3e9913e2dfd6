"""Policy shift: do clicks under one policy tell of clicks under another?

A click model is fitted to the history and foretells clicks of the arm whose pages differ most from
the history's. The same pages are foretold by a model fitted to as many other pages of that arm, and
by the click-through rate of each rank alone, by device. What is measured is the loss of a result in
bits, -log2 of the chance of what was done there before anything is known of the page: its mean over
the results of a rank is the logarithm of the perplexity of that rank.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.climbing import Effort
from experiments.clickfits.fitted import FittedClicks
from experiments.clickfits.foretelling import CLICK_MODELS
from experiments.clickfits.impressions import Impressions, LogPages, impressions_of_logs
from experiments.inference.intervals.crossed import contrast
from experiments.records.interval import Interval
from experiments.records.validity import Check, Verdict
from experiments.validate.evidence import Evidence, PeriodLog
from experiments.validate.verdicts import share_of
from simulator.errors import DataError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SLOTS = 20
_MOST = 20_000  # pages that are fitted to, and that are asked about
_FEWEST = 100  # pages of either
_EFFORT = Effort(tolerance=1e-5, most=100)
_LEAST = 1e-6  # chance that a rate by rank may be at least, and at most one minus it


def policy_shift(evidence: Evidence) -> Iterator[Check]:
    """A check of each click model; nothing where no experiment was run or pages are too few."""
    log = evidence.experiment
    if log is None:
        return
    try:
        before, during = impressions_of_logs([evidence.history.folder, log.folder], slots=_SLOTS)
    except DataError:
        return
    arm, new = _most_shifted(log, before, during)
    pages = during.rows(_arms(log, during) == arm)
    split = _Split.of(before, pages)
    if split is None:
        return
    for name, kind in CLICK_MODELS.items():
        yield from _foretold(evidence, log.manifest.arms[arm], name, kind, split, new)


@dataclass(frozen=True)
class _Split:
    """Pages to learn from under either policy, as many, and pages of the arm that are foretold."""

    history: Impressions
    arm: Impressions
    asked: Impressions
    shopper_P: NDArray[np.int64]

    @classmethod
    def of(cls, before: LogPages, pages: LogPages) -> "_Split | None":
        """Whole shoppers learn or are asked; None where there are too few pages."""
        rng = np.random.default_rng(4)
        shoppers, at_P = np.unique(pages.shopper_P, return_inverse=True)
        asked_P = (rng.random(len(shoppers)) < 0.5)[at_P]
        asked, learnt = pages.rows(_some(asked_P, rng)), pages.rows(_some(~asked_P, rng))
        count = min(len(learnt.impressions), len(before.impressions))
        if min(count, len(asked.impressions)) < _FEWEST:
            return None
        history = before.rows(np.sort(rng.choice(len(before.impressions), count, replace=False)))
        arm = learnt.rows(np.arange(count))
        learnt_pages = history.impressions, arm.impressions
        ranks = min(each.clicked_depth for each in learnt_pages)
        if ranks < 2:
            return None
        return cls(
            history=history.impressions.cut(ranks),
            arm=arm.impressions.cut(ranks),
            asked=asked.impressions.cut(ranks),
            shopper_P=asked.shopper_P,
        )


def _some(chosen_P: Flags, rng: np.random.Generator) -> NDArray[np.intp]:
    rows = np.flatnonzero(chosen_P)
    return np.sort(rng.choice(rows, _MOST, replace=False)) if len(rows) > _MOST else rows


def _arms(log: PeriodLog, pages: LogPages) -> NDArray[np.int64]:
    """(P,) the arm of each page."""
    told = log.columns(f"SELECT request, arm FROM {log.table('requests')} ORDER BY request")
    return told["arm"][np.searchsorted(told["request"], pages.request_P)].astype(np.int64)


def _most_shifted(log: PeriodLog, before: LogPages, during: LogPages) -> tuple[int, Interval]:
    """The arm with most results that the history never showed for their query, and that share."""
    known_A = np.zeros(during.impressions.pairs, np.bool_)
    known_A[before.impressions.pair_PK[before.impressions.real_PK]] = True
    real_PK = during.impressions.real_PK
    new_PK = real_PK & ~known_A[np.maximum(during.impressions.pair_PK, 0)]
    arm_P = _arms(log, during)
    shares = {}
    for arm in range(len(log.manifest.arms)):
        rows = arm_P == arm
        if rows.any():
            _, at_P = np.unique(during.shopper_P[rows], return_inverse=True)
            new_U, real_U = (
                np.bincount(at_P, of[rows].sum(axis=1)).astype(np.float64)
                for of in (new_PK, real_PK)
            )
            shares[arm] = share_of(new_U, real_U, 0.95)
    most = max(shares, key=lambda arm: shares[arm].estimate or 0.0)
    return most, shares[most]


def _foretold(
    evidence: Evidence,
    arm: str,
    name: str,
    kind: type[FittedClicks],
    split: _Split,
    new: Interval,
) -> Iterator[Check]:
    """What the history's fit gains over the rates by rank, and of what the arm's own fit gains."""
    try:
        fits = [kind.fit(of, _EFFORT).state for of in (split.history, split.arm)]
    except DataError:
        return  # clicks are not as this model has them
    asked = split.asked
    losses = [_loss(asked, model.chances(asked)) for model in fits]
    base_PK = _loss(asked, _rates(split.arm, asked))
    _, at_P = np.unique(split.shopper_P, return_inverse=True)
    count_U = np.bincount(at_P, asked.real_PK.sum(axis=1)).astype(float)

    def gain(loss_PK: Floats) -> Interval:
        base_SU, loss_SU = (
            np.bincount(at_P, of.sum(axis=1)).astype(np.float64)[None] for of in (base_PK, loss_PK)
        )
        count_SU = count_U[None]
        confidence = evidence.confidence
        return contrast(base_SU, count_SU, loss_SU, count_SU, confidence=confidence).interval

    found, own = gain(losses[0]), gain(losses[1])
    perplexities = [_perplexity(asked, of) for of in (*losses, base_PK)]
    told = (
        "perplexity: fitted to the history {:.4f}, to the arm itself {:.4f}, clicks by rank alone "
        "{:.4f}; the arm's own fit gains {:.4f} bits; {:.0f} % of the results are new"
    ).format(*perplexities, own.estimate or 0.0, 100 * (new.estimate or 0.0))
    yield Check(
        rung="policy_shift",
        period="experiment",
        arm=arm,
        fact=f"bits_of_a_result_foretold_by_{name}",
        unit="number",
        found=found,
        low=0.0,
        source="design",
        weak=True,
        verdict=_verdict(found),
        n=int(asked.real_PK.sum()),
        note=told,
    )


def _verdict(found: Interval) -> Verdict:
    """Pass: the history tells more than rates by rank. Else a warning, or nothing is told."""
    if found.ends is None:
        return Verdict.UNTOLD
    low, high = found.ends
    return Verdict.PASS if low > 0 else Verdict.WARN if high < 0 else Verdict.UNTOLD


def _loss(pages: Impressions, chance_PK: Floats) -> Floats:
    """(P, K) bits that each result costs; 0 on padding."""
    chance_PK = np.clip(chance_PK, _LEAST, 1 - _LEAST)
    bits_PK = -np.log2(np.where(pages.clicked_PK, chance_PK, 1 - chance_PK))
    return np.where(pages.real_PK, bits_PK, 0.0)


def _perplexity(pages: Impressions, loss_PK: Floats) -> float:
    """Mean over ranks, as of `foretold`."""
    shown_K = pages.real_PK.sum(axis=0)
    seen = shown_K > 0
    return float((2.0 ** (loss_PK.sum(axis=0)[seen] / shown_K[seen])).mean())


def _rates(learnt: Impressions, asked: Impressions) -> Floats:
    """(P, K) clicks over results of a rank and device, with one imagined click of two."""
    devices = max(learnt.devices, asked.devices)
    slots = max(learnt.pair_PK.shape[1], asked.pair_PK.shape[1])
    shown_DK, clicked_DK = np.full((devices, slots), 2.0), np.ones((devices, slots))
    for device in range(devices):
        rows = learnt.device_P == device
        width = learnt.pair_PK.shape[1]
        shown_DK[device, :width] += learnt.real_PK[rows].sum(axis=0)
        clicked_DK[device, :width] += learnt.clicked_PK[rows].sum(axis=0)
    return np.asarray((clicked_DK / shown_DK)[asked.device_P, : asked.pair_PK.shape[1]])
