import pytest

from recall.classic.settings import DenseSpec, LexicalSpec, PopularSpec
from recall.composed.references import problems_of_references, timed, with_parts
from recall.composed.settings import RerankedSpec
from recall.load.settings import ServersSpec
from recall.rewriting.settings import OwnRewriterSpec, RewrittenSpec

KNOWN = {"lexical": LexicalSpec(), "popular": PopularSpec(), "dense": DenseSpec()}
JUDGES = ("grader", "dense_judge")


def made_of(**channels):
    return {**KNOWN, **{name: RerankedSpec(**each) for name, each in channels.items()}}


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        (
            {"best": {"inner": "lexica", "scorer": "grader"}},
            "channels.best.inner == 'lexica', must be the name of a channel: lexical (the closest",
        ),
        (
            {"best": {"inner": "lexical", "scorer": "graders"}},
            "channels.best.scorer == 'graders', must be the name of a judge, a channel or the rank",
        ),
        (
            {"best": {"inner": "grader", "scorer": "grader"}},
            "channels.best.inner == 'grader', must be the name of a channel",
        ),
        (
            {"best": {"inner": "lexical", "scorer": "popular"}},
            "channels.best.scorer == 'popular', must be a judge or a channel that scores given "
            "items: lexical, dense",
        ),
        (
            {"best": {"inner": "best", "scorer": "grader"}},
            "channels.best == made of best -> best, must not be made of itself in the end",
        ),
        (
            {
                "best": {"inner": "other", "scorer": "grader"},
                "other": {"inner": "best", "scorer": "grader"},
            },
            "channels.best == made of best -> other -> best, must not be made of itself",
        ),
    ],
)
def test_names_that_lead_nowhere_or_round_are_refused(channels, problem):
    (found,) = problems_of_references(made_of(**channels), JUDGES)
    assert found.startswith(problem)


def test_a_name_that_is_a_judge_and_a_channel_is_refused():
    (found,) = problems_of_references(
        made_of(best={"inner": "lexical", "scorer": "dense"}), ("dense",)
    )
    assert found.endswith(
        "must be the name of a judge, a channel or the ranker alone: there are both"
    )


def test_the_ranker_is_refused_where_it_cannot_score():
    channels = made_of(best={"inner": "lexical", "scorer": "ranker"})
    assert problems_of_references(channels, JUDGES) == []
    (found,) = problems_of_references(channels, JUDGES, no_ranker="there is none")
    assert found == "channels.best.scorer == 'ranker', must be a judge or a channel: there is none"


def test_an_inner_channel_with_a_queue_is_refused():
    channels = made_of(best={"inner": "busy", "scorer": "grader"})
    channels["busy"] = LexicalSpec(servers=ServersSpec())
    (found,) = problems_of_references(channels, JUDGES)
    assert found.startswith("channels.best.inner == 'busy', must be a channel without servers")


def test_channels_that_can_be_made_are_not_refused():
    channels = made_of(
        best={"inner": "lexical", "scorer": "grader"}, again={"inner": "best", "scorer": "dense"}
    )
    assert problems_of_references(channels, JUDGES) == []
    assert with_parts(channels, ["again"]) == ["lexical", "best", "dense", "again"]
    assert with_parts(channels, ["popular"]) == ["popular"]


def test_the_time_of_a_channel_holds_that_of_all_it_is_made_of():
    channels = made_of(
        best={"inner": "lexical", "scorer": "grader"}, again={"inner": "best", "scorer": "dense"}
    )
    median = {
        name: float(timed(channels, name).service_time().seconds(0.0, 200)) for name in channels
    }
    own = float(channels["best"].latency.seconds(0.0, 200))
    assert median["best"] == pytest.approx(median["lexical"] + own)
    assert median["again"] == pytest.approx(median["lexical"] + 2 * own)
    assert timed(channels, "popular") is channels["popular"]


def rewritten(**channels):
    return {**KNOWN, **{name: RewrittenSpec(**each) for name, each in channels.items()}}


def test_a_step_is_named_and_may_name_channels_itself():
    asks = OwnRewriterSpec(object="my_shop:Asks", channels=("popular",), judge="grader")
    steps = {"rewriters": {"asks": asks}}
    channels = rewritten(again={"rewriter": "asks", "inner": "lexical"})
    assert problems_of_references(channels, JUDGES, steps) == []
    assert with_parts(channels, ["again"], steps) == ["popular", "lexical", "again"]
    unknown = {"rewriters": {"asks": asks.model_copy(update={"channels": ("popula",)})}}
    (found,) = problems_of_references(channels, JUDGES, unknown)
    wanted = "rewriters.asks.channels[0] == 'popula', must be the name of a channel: popular (the"
    assert found.startswith(wanted)


def test_a_channel_and_a_step_that_ask_each_other_are_refused():
    steps = {"rewriters": {"asks": OwnRewriterSpec(object="my_shop:Asks", channels=("again",))}}
    channels = rewritten(again={"rewriter": "asks", "inner": "lexical"})
    (found,) = problems_of_references(channels, JUDGES, steps)
    assert (
        found == "channels.again == made of again -> again, must not be made of itself in the end"
    )


def test_a_step_may_learn_from_a_channel_with_a_queue():
    steps = {"rewriters": {"asks": OwnRewriterSpec(object="my_shop:Asks", channels=("busy",))}}
    channels = rewritten(again={"rewriter": "asks", "inner": "lexical"})
    channels["busy"] = LexicalSpec(servers=ServersSpec())
    assert problems_of_references(channels, JUDGES, steps) == []
