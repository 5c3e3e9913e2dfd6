"""What `import funnelab` offers, name by name: a change here is a change for every user."""

import inspect

import pytest

import funnelab
from experiments.notebook.results import Results

SIGNATURES = {
    "analyze": "(frame, *, metrics, unit='unit', arm='arm', **settings)",
    "attribute": "(run, *, rules=(), incremental=(), settings=(), quiet=False)",
    "open_run": "(folder)",
    "power": "(run, *, metric=None, effect=None, days=None, repetitions=1000, quiet=False)",
    "rewards": "(config, *, settings=(), out=None, overwrite=False, quiet=False)",
    "run": "(config, *, settings=(), out=None, overwrite=False, quiet=False)",
    "sweep": "(config, over=None, *, settings=(), out=None, jobs=None, overwrite=False, "
    "quiet=False)",
}
CLASSES = {"Analysis", "Picture", "Results"}
FRAMES = {
    *("cells", "contributions", "credit", "daily", "differences", "estimates", "fates", "funnel"),
    *("headroom", "id_costs", "id_gains", "ids", "interactions", "latency", "lifts"),
    *("least_effects", "needs"),
    *(
        "reward_contrasts",
        "rewards",
        "rewards_offline",
        "rooms",
        "sample_ratios",
        "scarcity",
        "segments",
        "service",
        "judges",
        "stress",
        "stress_order",
        "understanding",
        "understanding_confidence",
        "understanding_recall",
    ),
    *("shares", "truth"),
}
OTHERS = {
    *(
        "catalog",
        "cell",
        "changed",
        "compare",
        "config",
        "exposures",
        "items",
        "name",
        "orders",
        "pictures",
        "prose",
    ),
    *("requests", "summary", "to_markdown"),
}


def test_the_names_are_these() -> None:
    assert set(funnelab.__all__) == set(SIGNATURES) | CLASSES


@pytest.mark.parametrize("name", SIGNATURES)
def test_functions_are_called_so(name: str) -> None:
    told = inspect.signature(getattr(funnelab, name))
    plain = [each.replace(annotation=each.empty) for each in told.parameters.values()]
    assert str(told.replace(parameters=plain, return_annotation=told.empty)) == SIGNATURES[name]
    assert all(each.annotation is not each.empty for each in told.parameters.values())
    assert told.return_annotation is not told.empty


def test_results_offer_these() -> None:
    public = {name for name in dir(Results) if not name.startswith("_")}
    assert public == FRAMES | OTHERS
    for name in public:
        assert inspect.getdoc(getattr(Results, name)), name
