"""Which click model a log is of, and its parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from experiments.calibrate.likelihood import rows_of_matrix
from experiments.calibrate.looking import Decays, decays
from experiments.clickfits.cascade import FittedCascade
from experiments.clickfits.climbing import Effort
from experiments.clickfits.dynamicbayesian import FittedDynamicBayesian
from experiments.clickfits.foretelling import side_by_side
from experiments.clickfits.impressions import Impressions, LogPages
from experiments.clickfits.userbrowsing import last_clicks
from experiments.records.calibration import Chosen, Posterior
from simulator.errors import DataError

Floats = NDArray[np.float64]

MODEL = "world.behavior.click_model"
DEVICES = ("phone", "desktop")
"""In the order of their numbers in `Impressions.device_P`."""
_PAGES = 20_000  # of which models are compared
_EFFORT = Effort(tolerance=1e-5, most=100)
_LONG = Effort(tolerance=1e-6, most=300)  # where parameters are wanted
_SURE = 0.01  # p-value below which looking hangs on the last click
_GROUPS = 20  # of shoppers, of which each is left out once


@dataclass(frozen=True)
class Clicks:
    """What clicks tell.

    Attributes:
        chosen: the click model.
        posterior: of its parameters.
    """

    chosen: Chosen
    posterior: Posterior


def fit_clicks(
    pages: LogPages,
    devices: tuple[str, ...],
    *,
    rng: np.random.Generator,
    day_P: NDArray[np.int64] | None = None,
) -> Clicks:
    """The click model that foretells best, and its parameters.

    Cascade where no page has two clicks. The dynamic Bayesian model where it foretells clicks of
    pages held out better than the position-based and the user browsing one. Of these, which are
    one where the last click does not matter, the latter where it does beyond chance. Who clicks
    much has clicks above each other on a page, too, and that must not look as if a click drew the
    eye: so that is tested given how many clicks stand above, wherever they do.

    Args:
        pages: what was shown and clicked, by whom.
        devices: that its pages are of, of `DEVICES`; () where the log does not tell: then all
            have the same parameters.
        rng: draws the pages that are held out, and groups of shoppers.
        day_P: day of each page. A shop that learns shows higher tomorrow what was clicked today;
            so decays are told by places of one day alone. None: all pages are of one.

    Raises:
        DataError: the log tells too little of how shoppers look at pages.
    """
    impressions = pages.impressions
    impressions.check()
    if not (impressions.clicked_PK.sum(axis=1) > 1).any():
        return _reading(pages, devices, "cascade", "no page has two clicks", rng)
    better = _foretold(impressions, rng)
    if better["dbn"] > max(better["pbm"], better["ubm"]):
        return _reading(pages, devices, "dbn", "it foretells clicks best", rng)
    if day_P is not None:
        pages = _of_days(pages, day_P)
    names = devices or ("all devices",)
    alone, tested, both = (
        [_decays(pages, at, name, columns) for at, name in enumerate(names)]
        for columns in (("rank",), ("rank", "distance", "clicks"), ("rank", "distance"))
    )
    theta = sum(float(each.decay_F[1]) ** 2 / float(each.covariance_FF[1, 1]) for each in tested)
    chance = float(stats.chi2.sf(theta, len(tested)))
    if chance < _SURE and all(each.decay_F.min() > 0 for each in both):
        reason = f"looking hangs on the last click (p = {chance:.1g})"
        return _decaying(both, devices, "ubm", ("eta", "theta"), reason)
    if min(float(each.decay_F[0]) for each in alone) <= 0:
        raise DataError(f"{MODEL}: looking does not fall with the rank, must do so in these models")
    reason = f"looking hangs on the rank alone, as far as can be told (p = {chance:.2g})"
    return _decaying(alone, devices, "pbm", ("eta",), reason)


def _of_days(pages: LogPages, day_P: NDArray[np.int64]) -> LogPages:
    """The same pages, where a pair of another day is another pair."""
    impressions = pages.impressions
    real_PK = impressions.real_PK
    days = int(day_P.max()) - int(day_P.min()) + 1
    of_PK = impressions.pair_PK.astype(np.int64) * days + (day_P - day_P.min())[:, None]
    pair_PK = np.full(real_PK.shape, -1)
    kinds, pair_PK[real_PK] = np.unique(of_PK[real_PK], return_inverse=True)
    return replace(pages, impressions=replace(impressions, pair_PK=pair_PK, pairs=len(kinds)))


def _foretold(impressions: Impressions, rng: np.random.Generator) -> dict[str, float]:
    """Mean log-likelihood of clicks held out, by model; minus infinity where it cannot be."""
    if len(impressions) > _PAGES:
        impressions = impressions.rows(np.sort(rng.choice(len(impressions), _PAGES, replace=False)))
    sides = side_by_side(
        impressions.cut(max(impressions.clicked_depth, 2)), held_out=0.25, effort=_EFFORT, rng=rng
    )
    return {
        side.name: side.held_out.mean_log_likelihood if side.held_out else -np.inf for side in sides
    }


def _decays(pages: LogPages, device: int, name: str, columns: Sequence[str]) -> Decays:
    """Exponents of the rank, of the distance to the last click, and of 1 + the clicks above."""
    impressions = pages.impressions
    rows_P = np.flatnonzero(impressions.device_P == device)
    own = impressions.rows(rows_P)
    page_N, rank_N = np.nonzero(own.real_PK)
    above_PK: NDArray[np.int64] = np.cumsum(own.clicked_PK, axis=1) - own.clicked_PK
    known = {
        "rank": np.log1p(rank_N),
        "distance": np.log(rank_N + 1.0 - last_clicks(own)[page_N, rank_N]),
        "clicks": np.log1p(above_PK[page_N, rank_N]),
    }
    return decays(
        np.stack([known[column] for column in columns], axis=1),
        own.clicked_PK[page_N, rank_N],
        own.pair_PK[page_N, rank_N].astype(np.int64),
        pages.shopper_P[rows_P][page_N],
        f"{MODEL} ({name})",
    )


def _decaying(
    found: list[Decays],
    devices: tuple[str, ...],
    model: str,
    names: tuple[str, ...],
    reason: str,
) -> Clicks:
    """Of the logs of the decays, device by device."""
    centres = np.concatenate([np.log(each.decay_F) for each in found])
    size = len(names)
    covariance = np.zeros((len(centres), len(centres)))
    for at, each in enumerate(found):
        rows = slice(at * size, (at + 1) * size)
        covariance[rows, rows] = each.covariance_FF / np.outer(each.decay_F, each.decay_F)
    law = "Poisson regression with a level for each pair of query and result, errors over shoppers"
    clicks = sum(each.clicks for each in found)
    return _told(model, reason, names, devices, "log", centres, covariance, law, clicks)


def _reading(
    pages: LogPages,
    devices: tuple[str, ...],
    model: str,
    reason: str,
    rng: np.random.Generator,
) -> Clicks:
    """Of the log odds of reading on, by expectation-maximisation; errors by a jackknife.

    Each group of shoppers is left out once. Errors are as wide as Student's law of as many groups.
    The jackknife's estimate of bias is not taken off: it multiplies what is left where a climb
    ends, and the bias is a third of an error at most.
    """
    impressions = pages.impressions
    who, who_P = np.unique(pages.shopper_P, return_inverse=True)
    group_P = (rng.permutation(len(who)) % _GROUPS)[who_P]
    whole = _reads_on(impressions, model)
    parts = np.stack([_reads_on(impressions.rows(group_P != at), model) for at in range(_GROUPS)])
    away = parts - parts.mean(axis=0)
    wider = (stats.t.ppf(0.975, _GROUPS - 1) / stats.norm.ppf(0.975)) ** 2
    covariance = (_GROUPS - 1) / _GROUPS * away.T @ away * wider
    name = "persistence" if model == "cascade" else "perseverance"
    law = f"expectation-maximisation, errors by a jackknife over {_GROUPS} groups of shoppers"
    return _told(model, reason, (name,), devices, "logit", whole, covariance, law, len(impressions))


def _reads_on(impressions: Impressions, model: str) -> Floats:
    fits: dict[str, Callable[[], Floats]] = {
        "cascade": lambda: FittedCascade.fit(impressions, _LONG).state.persistence_D,
        "dbn": lambda: FittedDynamicBayesian.fit(impressions, _LONG).state.perseverance_D,
    }
    found_D = fits[model]()
    if not np.all((found_D > 0) & (found_D < 1)):
        raise DataError(
            f"{MODEL}: chance to read on == {found_D.tolist()}, must be above 0 and below 1"
        )
    return np.asarray(special.logit(found_D), np.float64)


def _told(
    model: str,
    reason: str,
    names: tuple[str, ...],
    devices: tuple[str, ...],
    scale: str,
    centre: Floats,
    covariance: Floats,
    law: str,
    n: int,
) -> Clicks:
    """Parameters by device, or the same of all devices where the log does not tell them."""
    if not devices:
        devices = DEVICES
        centre, covariance = np.tile(centre, 2), np.tile(covariance, (2, 2))
    settings = tuple(f"{MODEL}.{name}_{device}" for device in devices for name in names)
    return Clicks(
        Chosen(f"{MODEL}.type", model, reason),
        Posterior(
            settings=settings,
            scales=("log" if scale == "log" else "logit",) * len(settings),
            floors=(0.0,) * len(settings),
            centre=tuple(float(each) for each in centre),
            covariance=rows_of_matrix(covariance),
            law=law,
            n=n,
        ),
    )
