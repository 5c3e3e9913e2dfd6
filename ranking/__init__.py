"""From candidates to a page: features, pre-ranker, rankers, the funnel, the router over arms.

A `Ranker` learns from `Examples` and scores a pool of candidates. A `Funnel` is one arm's search
service: channels, merge, pre-ranker, ranker, page; its `repr` draws it. `check_ranker` tries a
ranker of your own against the contract.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from ranking.conformance import check_ranker as check_ranker
    from ranking.examples import Examples as Examples
    from ranking.features import FeatureSet as FeatureSet
    from ranking.funnel import Funnel as Funnel
    from ranking.rankers.ranker import Ranker as Ranker
    from ranking.router import ArmRouter as ArmRouter
else:
    __all__, __getattr__ = exporter(__name__, __file__)
