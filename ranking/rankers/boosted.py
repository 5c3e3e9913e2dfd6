"""The boosted ranker: chances of a click by gradient-boosted trees, of wanting by a regression.

LightGBM (Ke et al., NeurIPS 2017) teaches the trees, which then serve as arrays of ours. During
training each exposure starts from a term of its device and position, so that the trees tell what
is left: how an item would do at the top (additive on the logit, as in `training`). The terms and
the trees are found in turns, from the click-through rates by place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ranking.examples import Examples
from ranking.features import FeatureSet
from ranking.rankers.labels import Labels
from ranking.rankers.settings import BoostedSpec
from ranking.rankers.trees import Trees
from ranking.rankers.valued import Tell, Training, ValuedRanker, nobody
from ranking.rankers.wants import Wants, fit_wants
from simulator.curves import Curve

DEVICES = 2

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

# To tell items from places, before the last trees are grown: turns, trees and exposures that do.
_TURNS, _FIRST_TREES, _FIRST_EXPOSURES = 3, 40, 200_000
_PRIOR = 5.0  # exposures with the usual rate that each place starts from


@dataclass(frozen=True)
class Settled:
    """As many trees as there may be, grown on all exposures.

    Attributes:
        trees: of which the first n are those of a shorter training.
        terms_V: of the places; those beside every number of trees.
    """

    trees: Trees
    terms_V: Wide


class BoostedRanker(ValuedRanker):
    """Trees give the chance of a click, a regression on it that of wanting the item."""

    name = "boosted"
    training_share = 0.6  # to settle, as many trees are grown as were kept
    _settled: Settled | None = None  # of the next `fit`

    def __init__(self, features: FeatureSet, spec: BoostedSpec | None = None) -> None:
        self.trees_spec = spec or BoostedSpec()
        super().__init__(features, self.trees_spec)
        self.trees: Trees | None = None
        self.wants: Wants | None = None
        self.top = 0.0

    def fit(self, examples: Examples, *, rng: np.random.Generator) -> None:
        """As of `ValuedRanker`; what it may have settled by is not kept."""
        try:
            super().fit(examples, rng=rng)
        finally:
            self.__dict__.pop("_settled", None)

    def train(
        self,
        features_PF: Floats,
        labels: Labels,
        held_out_P: NDArray[np.bool_],
        rng: np.random.Generator,
        tell: Tell = nobody,
    ) -> Training:
        """Grow the trees. They draw nothing: luck is in which requests are held out."""
        grown = _Grown(features_PF, labels, held_out_P, self.trees_spec, tell)
        terms_V = self._learn(grown, self.trees_spec.trees)
        assert self.trees is not None
        assert self.wants is not None
        sums_P = self.trees.sums(features_PF)
        wants_P = self.wants.logits(sums_P + self.top, features_PF)
        clicks_P = _loss(sums_P + terms_V[grown.place_P], labels.clicked_P)
        wants_P = _loss(wants_P, labels.wanted_P) * labels.clicked_P
        return Training(
            click_loss=float(clicks_P[held_out_P].mean()),
            want_loss=float(wants_P[held_out_P].mean()),
            rounds=len(self.trees.leaf_TL),
        )

    def settle(self, features_PF: Floats, labels: Labels, tell: Tell = nobody) -> None:
        """As many trees, grown on all exposures: then little is left to luck."""
        assert self.trees is not None
        none_P, count = np.zeros(len(features_PF), np.bool_), len(self.trees.leaf_TL)
        grown = _Grown(features_PF, labels, none_P, self.trees_spec, tell)
        if self._settled is None:
            self._learn(grown, count)
            return
        self._adopt(grown, self._settled.trees.first(count), self._settled.terms_V)

    def settled(self, examples: Examples) -> Settled | None:
        """All trees that a training may ask for; see `ranking.rankers.ranker.Settling`."""
        features_PF, labels = self._seen(examples), Labels.of(examples)
        if not labels.clicked_P.any():
            return None
        none_P = np.zeros(len(features_PF), np.bool_)
        grown = _Grown(features_PF, labels, none_P, self.trees_spec, self._told())
        return Settled(*self._grow(grown, self.trees_spec.trees))

    def settle_by(self, settled: object) -> None:
        """Take the trees that serve from these, in the next `fit`."""
        assert isinstance(settled, Settled)
        self._settled = settled

    def _learn(self, grown: "_Grown", trees: int) -> Wide:
        """Places, trees and wants; returns the terms of the places."""
        found, terms_V = self._grow(grown, trees)
        self._adopt(grown, found, terms_V)
        return terms_V

    def _grow(self, grown: "_Grown", trees: int) -> tuple[Trees, Wide]:
        """Trees, and the terms of the places that they start from."""
        spec, terms_V = self.trees_spec, grown.rates()
        turns, few = _TURNS if spec.position_bias else 0, min(_FIRST_TREES, spec.trees)
        grown.expect(turns * few, trees)
        for _ in range(turns):
            first = grown.first(terms_V, few)
            terms_V = grown.places(first.sums(grown.features_PF), terms_V)
        return grown.grow(terms_V, trees), terms_V

    def _adopt(self, grown: "_Grown", trees: Trees, terms_V: Wide) -> None:
        """Serve with these trees, with the wants that go with them."""
        self.trees = trees
        terms_VP = terms_V.reshape(DEVICES, -1)
        # Devices differ in how often they click at the top; orders within a request do not.
        self.top = float(terms_VP[:, 0].mean())
        self.examination_VP = (terms_VP - terms_VP[:, :1]).astype(np.float32)
        clicked_P = grown.learned_P & grown.labels.clicked_P
        clicked_PF = grown.features_PF[clicked_P]
        sums_P = self.trees.sums(clicked_PF) + self.top
        self.wants = fit_wants(sums_P, clicked_PF, grown.labels.wanted_P[clicked_P])

    def log_chances(self, features_PF: Floats) -> Floats:
        """(P, 2) by the trees and by the regression."""
        assert self.trees is not None
        assert self.wants is not None
        clicks_P = self.trees.sums(features_PF) + self.top
        wants_P = self.wants.logits(clicks_P, features_PF)
        logits_P2 = np.column_stack([clicks_P, wants_P])
        return np.asarray(-np.logaddexp(0, -logits_P2), np.float32)


class _Grown:
    """The exposures that trees are grown on.

    Args:
        tell: told of every tree how much of the work that was announced is done.
    """

    def __init__(
        self,
        features_PF: Floats,
        labels: Labels,
        held_out_P: NDArray[np.bool_],
        spec: BoostedSpec,
        tell: Tell,
    ) -> None:
        self._tell, self._done, self._whole = tell, 0.0, 1.0  # of trees times exposures
        self.spec, self.labels, self.held_out_P = spec, labels, held_out_P
        self.features_PF = features_PF
        every = -(-len(held_out_P) // _FIRST_EXPOSURES)
        self.learned_P = ~held_out_P
        self.first_P = self.learned_P & (np.arange(len(held_out_P)) % every == 0)
        position_P = np.minimum(labels.slot_P, spec.positions - 1)
        self.place_P = labels.device_P * spec.positions + position_P

    def expect(self, first: int, trees: int) -> None:
        """Announce how many trees will be grown on some of the exposures, and on all."""
        some, every = int(self.first_P.sum()), int(self.learned_P.sum())
        self._done, self._whole = 0.0, max(first * some + trees * every, 1)

    def rates(self) -> Wide:
        """(V,) logit of the click-through rate by place; of all places without position bias."""
        clicked_P, learned_P = self.labels.clicked_P, self.learned_P
        places, rate = DEVICES * self.spec.positions, clicked_P[learned_P].mean()
        if not self.spec.position_bias:
            return np.full(places, np.log(rate / (1 - rate)))
        place_P = self.place_P[learned_P]
        shown_V = np.bincount(place_P, minlength=places) + _PRIOR
        clicks_V = np.bincount(place_P, clicked_P[learned_P], minlength=places) + _PRIOR * rate
        return np.asarray(np.log(clicks_V / (shown_V - clicks_V)))

    def places(self, sums_P: Wide, terms_V: Wide) -> Wide:
        """(V,) terms of the places, beside what the trees say of the items: Newton's method."""
        learned_P = self.learned_P
        place_P, clicked_P = self.place_P[learned_P], self.labels.clicked_P[learned_P]
        for _ in range(6):
            chance_P = expit(sums_P[learned_P] + terms_V[place_P])
            slope_V = np.bincount(place_P, clicked_P - chance_P, minlength=len(terms_V))
            curve_V = np.bincount(place_P, chance_P * (1 - chance_P), minlength=len(terms_V))
            terms_V = terms_V + slope_V / (curve_V + _PRIOR)
        return terms_V

    def first(self, terms_V: Wide, trees: int) -> Trees:
        """Some trees on some of the exposures, on top of the terms of the places."""
        return self._grown(self.first_P, terms_V, trees)

    def grow(self, terms_V: Wide, trees: int) -> Trees:
        """Trees on top of the terms of the places.

        Args:
            terms_V: terms.
            trees: how many; fewer where exposures are held out and are told no better.
        """
        return self._grown(self.learned_P, terms_V, trees, stopping=bool(self.held_out_P.any()))

    def _grown(
        self, learned_P: NDArray[np.bool_], terms_V: Wide, trees: int, *, stopping: bool = False
    ) -> Trees:
        import lightgbm  # late: whoever serves needs the trees alone

        parameters, start_P = self.spec.parameters(), terms_V[self.place_P]

        def dataset(rows_P: NDArray[np.bool_], **options: Any) -> Any:
            return lightgbm.Dataset(
                self.features_PF[rows_P],
                self.labels.clicked_P[rows_P],
                init_score=start_P[rows_P],
                params=parameters,
                **options,
            )

        exposures, curve = int(learned_P.sum()), Curve("trees")

        def told(at: Any) -> None:
            self._done += exposures
            self._tell(self._done / self._whole)
            for _, _, loss, _ in at.evaluation_result_list:  # of clicks, where some are held out
                curve.tell(at.iteration + 1, {"eval/click_loss": loss})

        learning = dataset(learned_P)
        if not stopping:
            booster = lightgbm.train(parameters, learning, trees, callbacks=[told])
            return Trees.of_dump(booster.dump_model())
        with curve:
            booster = lightgbm.train(
                parameters,
                learning,
                trees,
                valid_sets=[dataset(self.held_out_P, reference=learning)],
                callbacks=[lightgbm.early_stopping(self.spec.patience, verbose=False), told],
            )
        return Trees.of_dump(booster.dump_model(num_iteration=booster.best_iteration))


def _loss(logits_P: Wide, happened_P: NDArray[np.bool_]) -> Wide:
    """(P,) log loss of each, in nats."""
    return np.asarray(np.logaddexp(0, np.where(happened_P, -logits_P, logits_P)))
