"""Rewards: what a generated id is worth for a logged request.

A `Reward` is a function of `Logged` requests, `Samples` of ids and the `Shop`. A `RewardMix` names
several, with weights, and `build_mix` makes them one. `to_trl` and `from_trl` exchange rewards with
TRL's trainers, `to_trl_environment` makes one the environment of a trainer.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from cqsid.rewards.conformance import check_reward as check_reward
    from cqsid.rewards.logged import Logged as Logged
    from cqsid.rewards.mix import Mix as Mix
    from cqsid.rewards.registry import RewardMix as RewardMix, build_mix as build_mix
    from cqsid.rewards.reward import Reward as Reward, Samples as Samples
    from cqsid.rewards.shop import Shop as Shop
    from cqsid.rewards.trl import from_trl as from_trl, to_trl as to_trl
    from cqsid.rewards.trlenvironment import to_trl_environment as to_trl_environment
else:
    __all__, __getattr__ = exporter(__name__, __file__)
