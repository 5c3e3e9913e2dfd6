import pytest

from recall.understanding.conformance import check_understanding
from recall.understanding.registry import build_understanding
from recall.understanding.settings import UnderstandingSpec
from simulator.errors import ContractError


@pytest.mark.parametrize(
    "options",
    [
        {"type": "none"},
        {"type": "dictionary"},
        {"type": "linear"},
        {"type": "linear", "corrections": True, "hallucination_filter": True},
    ],
    ids=str,
)
def test_every_kind_keeps_the_contract(options: dict[str, object]) -> None:
    spec = UnderstandingSpec.model_validate(options)
    assert check_understanding(lambda: build_understanding(spec)) == []


def test_a_custom_one_is_made_with_its_options() -> None:
    spec = UnderstandingSpec(type="custom", object="tests.experiments.plugins:FirstValue")
    assert check_understanding(lambda: build_understanding(spec)) == []
    wrong = UnderstandingSpec(type="custom", object="tests.experiments.plugins:Shelf")
    with pytest.raises(ContractError, match="fill"):
        build_understanding(wrong)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "custom"}, "object == '' with type 'custom', must be MODULE:OBJECT"),
        ({"object": "a:B"}, "object == 'a:B' with type 'linear'"),
        (
            {"type": "dictionary", "corrections": True},
            "corrections == true with type 'dictionary', must be with 'linear'",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UnderstandingSpec.model_validate(options)
