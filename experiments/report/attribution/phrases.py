"""Rules, methods and findings of attribution as people read them."""

from experiments.report.kit.sentences import plain_name

RULES = {
    "any_touch": "Any touch",
    "exclusive": "Exclusive",
    "first": "First in order",
    "best_rank": "Best rank",
    "fractional": "Fractional",
    "last_click": "Last click",
    "linear": "Linear",
    "time_decay": "Time decay",
    "markov": "Markov",
}
UNSHARED = ("any_touch", "exclusive")
"""Rules whose shares do not add up to the whole."""

INDICES = {"alone": "Alone", "shapley": "Shapley", "leave_one_out": "Leave-one-out"}
METHODS_NAMED = {"replay": "by replay", "worlds": "in re-simulated worlds"}


def rule_name(rule: str) -> str:
    """A rule's name; a user's own is called as it is."""
    return RULES.get(rule) or plain_name(rule.rpartition(":")[2])
