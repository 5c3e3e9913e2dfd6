"""Judges, steps and rankers that other parts of a config ask: what may not be asked, and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from cqsid.registry import AnyJudgeSpec, AnyUnderstandingSpec
from cqsid.rewards.registry import RewardMix, judges_of
from experiments.config.overrides import unknown
from ranking.rankers.settings import CommonRankerSpec, RankerSpec
from recall.settings import ChannelSettings
from simulator.annotations.settings import AnnotationsSpec


def problems_of_annotations(
    annotations: AnnotationsSpec, judges: Mapping[str, AnyJudgeSpec], *, graded: bool
) -> list[str]:
    """Pairs that nobody learns from or that are not there, and judges that cannot do without.

    Args:
        annotations: settings of what is bought.
        judges: settings of all judges.
        graded: whether there is a file of human grades.
    """
    bought, from_file = annotations.pairs, annotations.source == "judgments"
    if from_file and not graded:
        return ["annotations.source == 'judgments', must be 'simulated' without [judgments]"]
    if bought and not judges:
        return [
            f"annotations.pairs == {bought}, must be 0 without a judge: nothing else learns "
            "from them"
        ]
    problems = [
        f"judges.{name}: annotations.pairs == 0, must be more: {why}"
        for name, spec in judges.items()
        if not bought and (why := spec.needs_annotations)
    ]
    return problems + [
        f"judges.{name}: annotations.source == 'judgments', must be 'simulated': it learns "
        "verdicts, and a file has grades alone (verdicts = false learns these)"
        for name, spec in judges.items()
        if from_file and spec.needs_verdicts
    ]


def why_no_ranker(common: CommonRankerSpec, arms: Sequence[RankerSpec | None]) -> str:
    """Why the common ranker cannot score what a channel finds; "" where it can.

    Args:
        common: the ranker of all arms that name no other.
        arms: the ranker of each arm; None: the common one.
    """
    if all(ranker is not None for ranker in arms):
        return "all arms have rankers of their own"
    if common.training == "per_arm":
        return "each arm trains a ranker of its own"
    if common.type == "merge_order":
        return "it orders what is merged, and scores no single item"
    rankers = [common, *(ranker for ranker in arms if ranker is not None)]
    if any(each.reads_pools for each in rankers):
        return "a ranker that learns from what channels find would have to be there before them"
    return ""


def problems_of_judges_in_use(
    rankers: Mapping[str, RankerSpec],
    rewards: Mapping[str, RewardMix],
    judges: Collection[str],
    *,
    updated: bool,
) -> list[str]:
    """Rankers and rewards that ask a judge which is not there, or is not kept up to date.

    Args:
        rankers: settings of rankers by their place.
        rewards: the mixes of the reward lab by name.
        judges: names of all judges.
        updated: whether rankers are trained anew inside a world.
    """
    asking = {place: spec.judge for place, spec in rankers.items() if spec.judge}
    places = {f"{place}.judge": [name] for place, name in asking.items()}
    places |= {
        f"reward_lab.rewards.{name}.judge": judges_of([mix]) for name, mix in rewards.items()
    }
    problems = [
        problem
        for place, names in places.items()
        for name in names
        for problem in unknown(place, [name], [*judges])
    ]
    if updated:
        problems += [
            f"{place}.judge == {name!r}, must be empty where world.updates trains rankers "
            "anew: judges are not"
            for place, name in asking.items()
        ]
    return problems


def problems_of_composed(
    channels: Mapping[str, ChannelSettings], retrained: Iterable[str]
) -> list[str]:
    """Channels made of others, where only what learns itself may be named."""
    return [
        f"truth.retrained == {name!r}, must be a channel that learns: {why}"
        for name in retrained
        if name in channels and channels[name].references() and (why := channels[name].fixed())
    ]


def problems_of_understanding(
    steps: Mapping[str, AnyUnderstandingSpec],
    readers: Mapping[str, Mapping[str, ChannelSettings | AnyJudgeSpec]],
    published: bool,
    categories: bool,
) -> list[str]:
    """Catalogue steps that nobody has, and steps without anything to fill.

    Args:
        steps: settings of all steps.
        readers: settings of what may name a step, by section.
        published, categories: whether the shop publishes attribute values, and whether a part of
            the categories.
    """
    problems = [
        problem
        for section, specs in readers.items()
        for name, spec in specs.items()
        if spec.understanding
        for problem in unknown(f"{section}.{name}.understanding", [spec.understanding], list(steps))
    ]
    if not published and not categories:
        problems += [
            f"understanding.{name}.type == {spec.type!r}, must be left out where the shop "
            "publishes neither attribute values ([catalog.structured], or a table in "
            "catalog.file.columns.attributes) nor a part of the categories: nothing is to be filled"
            for name, spec in steps.items()
        ]
    return problems + [
        f"understanding.{name}.{option} == true, must be false where the shop publishes no "
        "attribute values"
        for name, spec in steps.items()
        for option in ("hallucination_filter", "corrections")
        if not published and getattr(spec, option, False)
    ]
