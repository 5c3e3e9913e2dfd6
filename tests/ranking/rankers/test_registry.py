import pytest
from pydantic import ValidationError

from ranking.features import FeatureSet
from ranking.rankers.boosted import BoostedRanker
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.ranker import MergeOrderRanker
from ranking.rankers.registry import build_ranker
from ranking.rankers.settings import CommonRankerSpec, RankerSpec
from simulator.errors import ContractError


class Custom(MergeOrderRanker):
    def __init__(self, features, depth=1):
        self.depth = depth


@pytest.fixture
def features(catalog, scorer):
    return FeatureSet(catalog, ("a",), scorer)


@pytest.fixture
def module(monkeypatch):
    import sys
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "shop_rankers", SimpleNamespace(Custom=Custom, three=3))
    return "shop_rankers"


def test_each_type_builds_its_ranker(features, module):
    assert isinstance(build_ranker(RankerSpec(), features), BoostedRanker)
    assert isinstance(build_ranker(RankerSpec(type="learned"), features), LearnedRanker)
    assert isinstance(build_ranker(RankerSpec(type="merge_order"), features), MergeOrderRanker)
    spec = RankerSpec(type="custom", object=f"{module}:Custom", options={"depth": 4})
    assert build_ranker(spec, features).depth == 4


def test_a_custom_ranker_needs_an_object_and_the_others_none():
    with pytest.raises(ValidationError, match=r"ranker\.object == '' with type 'custom'"):
        RankerSpec(type="custom")
    with pytest.raises(ValidationError, match="empty elsewhere"):
        RankerSpec(object="shop_rankers:Custom")


def test_a_ranker_that_arms_share_is_not_told_which_channels_found_an_item():
    with pytest.raises(ValidationError, match=r"provenance == True with training 'shared'"):
        CommonRankerSpec(provenance=True)
    assert CommonRankerSpec(provenance=True, training="per_arm").reads_pools
    assert not CommonRankerSpec().reads_pools


def test_a_custom_object_that_makes_no_ranker_is_named(features, module):
    wrong = RankerSpec(type="custom", object=f"{module}:Custom", options={"dept": 4})
    with pytest.raises(ContractError, match="must return a ranker"):
        build_ranker(wrong, features)
    dictionary = RankerSpec(type="custom", object="builtins:len")
    with pytest.raises(ContractError, match="must return a ranker"):
        build_ranker(dictionary, features)
    listing = RankerSpec(type="custom", object="builtins:id")
    with pytest.raises(
        ContractError, match="== int without name, fit and score, must have name, fit and score"
    ):
        build_ranker(listing, features)
