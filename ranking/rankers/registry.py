"""Rankers by name, the built-in ones and the user's own."""

from ranking.features import FeatureSet
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.ranker import MergeOrderRanker, Ranker
from ranking.rankers.settings import RANKER, RankerSpec


def build_ranker(spec: RankerSpec, features: FeatureSet) -> Ranker:
    """The ranker that a spec describes, not yet fitted.

    A custom object is called with the features and the options.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or is no ranker.
    """
    match spec.type:
        case "boosted":
            return BoostedRanker(features, spec.boosted)
        case "learned":
            return LearnedRanker(features, spec.learned)
        case "merge_order":
            return MergeOrderRanker()
        case "custom":
            ranker: Ranker = RANKER.make(spec.object, features, options=spec.options)
            return ranker
