"""From candidates to a page: features, pre-ranker, rankers, the funnel, the router over arms."""

from ranking.examples import Examples, ExamplesSpec, build_examples, history_index
from ranking.features import FeatureSet
from ranking.funnel import Funnel, FunnelSpec
from ranking.ranker import LearnedRanker, LearnedSpec, MergeOrderRanker, Ranker
from ranking.recallstage import RecallStage
from ranking.registry import RankerSpec, build_ranker
from ranking.router import ArmRouter

__all__ = [
    "ArmRouter",
    "Examples",
    "ExamplesSpec",
    "FeatureSet",
    "Funnel",
    "FunnelSpec",
    "LearnedRanker",
    "LearnedSpec",
    "MergeOrderRanker",
    "Ranker",
    "RankerSpec",
    "RecallStage",
    "build_examples",
    "build_ranker",
    "history_index",
]
