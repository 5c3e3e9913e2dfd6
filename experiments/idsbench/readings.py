"""What one trained scheme did with the test requests, in plain arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.decoding.evaluate import (
    beam_for_positions,
    hit_rate_B,
    item_place_TW,
    positions,
    prefixes_L,
    reach,
    recall_B,
    share_BW,
)
from cqsid.tokenizer.ids import SemanticIds
from experiments.config.ids_bench import IdsBenchSpec
from experiments.idsbench.asked import Asked
from experiments.idsbench.trial import Trial
from experiments.records.ids import Mode
from simulator.catalogue.catalog import Ints
from simulator.errors import DataError

Floats = NDArray[np.float64]

CLUSTER_BINS = (1, 5, 20, 50, 200)
"""Largest cluster size of each bin of the distribution; a last bin takes what is larger (items)."""


@dataclass(frozen=True)
class Reading:
    """One scheme trained with one seed, asked all B test requests in one mode.

    W beam widths are those of the spec, K list lengths likewise, N all beams from 1 to the widest.

    Attributes:
        scheme, mode, seed: which.
        hit_BW: hit rate at each width.
        capped_BW: hit rate at each width where at most `item_limit` items may be returned.
        items_BK: item recall among the first k items, from as many ids as they need.
        beam_BK: item recall among the first k items of the first `serving_beam` ids.
        compute_BK: the same of the first `compute_beam` ids.
        compute_beam: the widest beam that the budget of positions pays for.
        capped_N: mean over requests of the capped hit rate, at every beam.
        returned_N: mean items returned for a request, at every beam, without a limit.
        positions_N: mean positions processed for a request, at every beam.
        without_id, unreached: as `cqsid.decoding.evaluate.Reach`, at the widest beam.
        decode_s: measured time to decode a request at the serving beam (s); None: not measured.
    """

    scheme: str
    mode: Mode
    seed: int
    hit_BW: Floats
    capped_BW: Floats
    items_BK: Floats
    beam_BK: Floats
    compute_BK: Floats
    compute_beam: int
    capped_N: Floats
    returned_N: Floats
    positions_N: Floats
    without_id: float
    unreached: float
    decode_s: float | None = None


def read_beams(
    spec: IdsBenchSpec,
    asked: Asked,
    trial: Trial,
    mode: Mode,
    *,
    budget: float | None = None,
    cap: int | None = None,
) -> Reading:
    """Everything that is measured of what a trained scheme answered in a mode.

    A width that was not decoded by itself is read off the next wider one, so the widest of the
    spec alone is enough; beams decoded at their own width also show what a narrow search loses.

    Args:
        spec: widths, list lengths and limits.
        asked: the requests.
        trial, mode: the scheme, and the mode that it answered in.
        budget: positions that a request may cost at equal compute: the baseline's
            `positions(serving_beam, ...)`; None: this is the baseline.
        cap: most items taken of one id; None: all.

    Raises:
        DataError: no beams as wide as the spec's widest, or what `cqsid.decoding.evaluate` refuses.
    """
    found, ids, shelves = trial.answered[mode], trial.ids, trial.shelves
    decoded, prompt = found.decoded, found.prompt
    widest = beams_of(decoded, spec.widest)
    prefix_L, every = prefixes_L(ids), np.arange(1, spec.widest + 1)
    if budget is None:
        budget = positions(spec.serving_beam, prompt, prefix_L)
    compute_beam = beam_for_positions(budget, prompt, prefix_L, spec.widest) or 0

    def capped(beams_BN: Ints, widths: NDArray[np.int64]) -> Floats:
        targets, fill = asked.targets, spec.fill
        place_TW = item_place_TW(beams_BN, widths, targets, ids, shelves, cap, fill=fill)
        return share_BW(place_TW < spec.item_limit, targets)

    def recalled(beam: int) -> Floats:
        most = max(spec.recall_sizes)
        beams_BN = beams_of(decoded, beam) if beam else widest[:, :0]
        items, _ = shelves.first(beams_BN, most, cap, fill=spec.fill)
        return np.stack([recall_B(items, asked.targets, k) for k in spec.recall_sizes], axis=1)

    own = [(width, beams_of(decoded, width)) for width in spec.widths]
    hits = [hit_rate_B(beams, width, asked.targets, ids) for width, beams in own]
    missed = reach(widest, ids)
    return Reading(
        scheme=trial.scheme,
        mode=mode,
        seed=trial.seed,
        hit_BW=np.stack(hits, axis=1),
        capped_BW=np.hstack([capped(beams, np.array([width])) for width, beams in own]),
        items_BK=recalled(spec.widest),
        beam_BK=recalled(spec.serving_beam),
        compute_BK=recalled(compute_beam),
        compute_beam=compute_beam,
        capped_N=capped(widest, every).mean(axis=0),
        returned_N=shelves.returned_BN(widest, cap).mean(axis=0),
        positions_N=np.array([positions(int(beam), prompt, prefix_L) for beam in every]),
        without_id=missed.without_id,
        unreached=missed.unreached,
        decode_s=found.decode_s,
    )


def beams_of(decoded: Mapping[int, Ints], width: int) -> Ints:
    """The first ids of the narrowest beams that were decoded so wide.

    Raises:
        DataError: none was.
    """
    wide = [each for each in decoded if each >= width]
    if not wide:
        raise DataError(f"decoded == widths {sorted(decoded)}, must include {width} or wider")
    return decoded[min(wide)][:, :width]


def cluster_shares(ids: SemanticIds) -> tuple[float, ...]:
    """Share of the items with an id that are in clusters of each size, by `CLUSTER_BINS`."""
    size_S = np.bincount(ids.sid_I[ids.sid_I >= 0], minlength=len(ids.sids_SL))
    bin_S = np.searchsorted(CLUSTER_BINS, size_S)
    items = np.bincount(bin_S, size_S, len(CLUSTER_BINS) + 1)
    return tuple((items / max(items.sum(), 1.0)).tolist())
