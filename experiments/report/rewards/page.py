"""The lab's page: one self-contained HTML file, written from rewards.json alone."""

from functools import partial

from experiments.records.reading import read_record
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.digits import number, sureness
from experiments.report.kit.markup import tag
from experiments.report.kit.page import (
    Content,
    Part,
    cautions,
    listing,
    note,
    page,
    sections,
    style_of,
    verdict,
    writer,
)
from experiments.report.kit.sentences import counted
from experiments.report.rewards.choosing import choice
from experiments.report.rewards.controls import controls, controls_headline
from experiments.report.rewards.hacking import hacking
from experiments.report.rewards.lifts import lifts, paper
from experiments.report.rewards.overview import overview
from experiments.report.rewards.pareto import pareto
from experiments.report.rewards.policies import policy_name, trained
from experiments.report.rewards.shares import shares
from experiments.report.rewards.training import choice_style, curves
from experiments.report.rewards.trust import trust
from experiments.report.rewards.verdict import headline, offline_headline, policy_sentences


def render(record: RewardsRecord) -> str:
    """The whole page."""
    sentence, badge, good = headline(record)
    said_first = choice(record), offline_headline(record), controls_headline(record)
    said = verdict(
        badge,
        tag("p", sentence, cls="sentence"),
        [*said_first, *cautions(record.warnings)],
        {True: "good", False: "bad", None: "plain"}[good],
    )
    sizes = [
        counted(len(trained(record)), "policy", "policies"),
        counted(record.seeds, "training seed"),
        f"{number(record.requests)} test requests",
        f"{number(record.items)} items",
    ]
    if record.worlds:
        world = f"{counted(record.worlds, 'world')} for each training"
        sizes.append(f"{world}: {number(record.shoppers)} shoppers, {counted(record.days, 'day')}")
    style = style_of("experiments.report.rewards") + choice_style(record)
    return page(record.name, "funnelab reward lab", said, sizes, sections(PARTS, record), style)


def told(record: RewardsRecord) -> Content:
    """What is real of each policy, alone and beside its controls."""
    lead = (
        "Against the supervised model from which all policies start. Real is what holds after "
        "correcting for the number of comparisons; in brackets its "
        f"{sureness(record.confidence)} interval."
    )
    entries = [
        tag("li", policy_name(record, policy), listing(sentences, ""))
        for policy, sentences in policy_sentences(record).items()
    ]
    return lead, tag("ul", *entries, cls="policies"), *controls(record)


def method(record: RewardsRecord) -> Content:
    """Definitions, and what must be known before believing the numbers."""
    confidence = sureness(record.confidence)
    told = (
        "clk@N: mean share of a request's clicked items whose id is among the first N of the beam. "
        "exp@N: share of requests of which any exposed item's id is. pvr@10: mean share of the "
        "exposed items whose id is among the first ten. recall@200: share of the clicked items "
        "among the first 200 items of the beam, ids taken whole. diversity: distinct categories of "
        "the first items of the best ten ids, over ten. First codes: distinct first codes of the "
        "best ten ids, a sign of how far the policy has narrowed.",
        f"Offline: {number(record.requests)} requests of the history's last days, which no policy "
        f"learned from. Differences are paired by request and seed. The {confidence} intervals "
        "take training seeds and shoppers as random at once. With few seeds that disagree they "
        "are wide, and should be.",
        f"Online: each training serves {record.channel} in the funnel of {record.arm}, in worlds "
        "where the same shoppers with the same luck also meet the supervised model. Lifts are the "
        "true effect in these worlds; their intervals cover other training seeds, other shoppers "
        "and other luck of what sells out and becomes popular, not other catalogues. With one "
        "world of each training that luck is told from how categories differ.",
        "Real means after Holm's correction, offline for all policies and measures at once, online "
        "for all policies and metrics at once; contrasts with the controls are two families of "
        "their own. Intervals of levels, rank correlations, shares and "
        "gaps stand each by itself.",
        "The oracle asks the simulated shopper for the expected purchases of the items behind an "
        "id, which no log can tell. As a reward it bounds what a better reward could bring; here "
        "it also judges the other rewards. It knows the simulation, not people.",
        "A training ends early where item recall at 200 has fallen too far or the policy has gone "
        "too far from the supervised model; then the last weights within limits are kept.",
    )
    return [note(each) for each in told]


PARTS: tuple[Part[RewardsRecord], ...] = (
    ("lifts", "True lifts", "True lifts", lifts),
    ("told", "In words", "Which differences are real", told),
    ("policies", "All policies", "All policies", overview),
    ("pareto", "Clicks, exposures", "Clicks against exposures", pareto),
    ("curves", "Learning curves", "Learning curves", curves),
    ("trust", "Whom to trust", "Which offline number can be trusted", trust),
    ("hacking", "Reward hacking", "Reward hacking", hacking),
    ("shares", "Shares", "Shares of the channel", shares),
    ("paper", "Beside the paper", "Beside the paper", paper),
    ("method", "How it was measured", "How it was measured", method),
)

write_report = writer("rewards.html", partial(read_record, RewardsRecord), render)
"""Write the page of a finished lab, from rewards.json."""
