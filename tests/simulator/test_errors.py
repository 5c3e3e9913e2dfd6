import pytest

from simulator.errors import ConfigError, ContractError, DataError, StoreError, closest, placing


@pytest.mark.parametrize("kind", [ConfigError, ContractError, DataError])
def test_placing_tells_the_part_of_the_settings_and_keeps_the_kind_of_error(
    kind: type[Exception],
) -> None:
    with pytest.raises(kind, match=r"^channels.mine: beams == 0$"), placing("channels.mine"):
        raise kind("beams == 0")


def test_an_error_of_a_more_special_kind_is_placed_as_its_general_one() -> None:
    class Counted(ContractError):
        def __init__(self, message: str, reason: int) -> None:
            super().__init__(message)

    with pytest.raises(ContractError, match=r"^here: wrong$") as raised, placing("here"):
        raise Counted("wrong", 3)
    assert type(raised.value) is ContractError


def test_what_is_not_about_settings_passes() -> None:
    with pytest.raises(StoreError, match=r"^run/a$"), placing("here"):
        raise StoreError("run/a")


def test_the_closest_word_is_told_only_where_one_is_near() -> None:
    assert closest("dnese", ["lexical", "dense"]) == "dense"
    assert closest("popular", ["lexical", "dense"]) == ""
    assert closest("dense", []) == ""
