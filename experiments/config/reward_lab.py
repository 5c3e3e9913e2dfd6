"""Settings of the reward lab."""

from collections.abc import Mapping, Sequence

from pydantic import Field, model_validator

from cqsid.alignment.settings import BEST, AlgorithmSpec, AlignmentSpec
from cqsid.registry import GENERATIVE_TYPES
from cqsid.rewards.registry import RewardMix
from experiments.config.overrides import Name, check_once, unknown
from simulator.spec import Spec

SFT = "sft"
"""Name of the supervised model, from which all policies start and with which they are compared."""


class PolicySpec(Spec):
    """One policy: a reward and an algorithm, by their names."""

    reward: str = Field(description="name of a reward")
    algorithm: str = Field(description="name of an algorithm")

    @property
    def name(self) -> str:
        """The policy's name."""
        return f"{self.reward}.{self.algorithm}"


class RewardLabSpec(Spec):
    """Rewards x algorithms x seeds from one supervised model, judged offline and online."""

    rewards: dict[Name, RewardMix] = Field({}, description="rewards by name")
    algorithms: dict[Name, AlgorithmSpec] = Field({}, description="algorithms by name")
    policies: tuple[PolicySpec, ...] = Field(
        (), description="which pairs are trained; none named: every reward with every algorithm"
    )
    seeds: int = Field(3, gt=0, description="trainings of each policy; no interval below 2 (seeds)")
    alignment: AlignmentSpec = Field(AlignmentSpec(), description="what all policies share")
    arm: str = Field("", description="arm whose funnel serves the policies; the last arm")
    channel: str = Field("", description="its channel of type cqsid; the arm's only one")
    test_days: int = Field(
        2,
        gt=0,
        description="last days of the history, asked and never learned from by any model (days)",
    )
    fresh_days: int = Field(
        0,
        ge=0,
        description="days before the test that the supervised model does not learn from, so that "
        "policies learn from requests that are new to it; 0: from those that it has learned (days)",
    )
    test_requests: int = Field(
        1000, gt=0, description="most test requests, drawn evenly from the test days (requests)"
    )
    worlds: int = Field(
        1, ge=0, description="paired worlds of each trained policy; 0: no online part (worlds)"
    )
    oracle_noise: float = Field(
        0.0,
        ge=0,
        description="noise of oracle rewards: standard deviation of a normal draw, kept for each "
        "request and item; in units of the spread (root mean square) of the values of a logged "
        "request's exposed items around their mean",
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="level of all intervals")

    @property
    def grid(self) -> tuple[PolicySpec, ...]:
        """The policies to be trained.

        An algorithm that reads no reward is trained once, whatever the number of rewards.
        """
        return self.policies or tuple(
            PolicySpec(reward=reward, algorithm=algorithm)
            for number, reward in enumerate(self.rewards)
            for algorithm, spec in self.algorithms.items()
            if spec.reads_rewards or number == 0
        )

    @model_validator(mode="after")
    def _parts_fit(self) -> "RewardLabSpec":
        for policy in self.policies:
            for kind, name, known in (
                ("reward", policy.reward, self.rewards),
                ("algorithm", policy.algorithm, self.algorithms),
            ):
                if name not in known:
                    wanted = ", ".join(known) or f"one of {kind}s, of which there are none"
                    raise ValueError(f"policies.{kind} == {name!r}, must be {wanted}")
        check_once("policies", (policy.name for policy in self.grid))
        of = {
            name: [each for each in self.grid if each.algorithm == name] for name in self.algorithms
        }
        for name, twins in of.items():
            if len(twins) > 1 and not self.algorithms[name].reads_rewards:
                named = " and ".join(each.name for each in twins)
                raise ValueError(
                    f"policies == {named}, must be one of them: {name} reads no reward, so that "
                    "they are the same training"
                )
        return self

    def problems(self, arms: Mapping[str, Sequence[str]], generative: Sequence[str]) -> list[str]:
        """What does not fit the rest of a config, as place, value found and value wanted.

        Args:
            arms: channels of each arm, by its name.
            generative: names of the channels that can be aligned.
        """
        if not self.grid:
            return []
        place = f"reward_lab.arm == {self.arm!r}"
        if self.arm not in arms:
            return unknown("reward_lab.arm", [self.arm], [*arms])
        known = [name for name in arms[self.arm] if name in generative]
        if not known:
            return [f"{place}, must have a channel of type {', '.join(GENERATIVE_TYPES)}"]
        if not self.channel:
            return [f"reward_lab.channel is missing, must be one of {', '.join(known)}"]
        if self.channel not in known:
            return unknown("reward_lab.channel", [self.channel], known)
        if self.alignment.beam < BEST:
            beam = self.alignment.beam
            return [f"reward_lab.alignment.beam == {beam}, must be >= {BEST} (ids)"]
        alone = len(arms[self.arm]) == 1
        return [
            f"reward_lab.rewards.{name} == {component.type}, must be in an arm with other channels "
            f"({place} has none)"
            for name, mix in self.rewards.items()
            for component in mix.components
            if alone and "elsewhere" in component.needs()
        ]
