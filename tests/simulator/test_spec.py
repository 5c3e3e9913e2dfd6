from pydantic import Field

from simulator.behaviour.clickmodels import CustomClickModel
from simulator.spec import Spec

MINE, OTHER = (CustomClickModel(object=f"{name}:Clicks") for name in ("mine", "other.deep"))


class Parts(Spec):
    one: Spec = Spec()
    several: tuple[CustomClickModel, ...] = ()
    named: dict[str, CustomClickModel] = Field({})
    text: str = "third:Clicks"


def test_settings_without_a_plug_in_name_no_code_of_the_users() -> None:
    assert Parts().code() == ()


def test_the_code_of_settings_is_that_of_all_their_parts_each_once() -> None:
    parts = Parts(one=Parts(several=(OTHER,)), several=(MINE, MINE), named={"a": OTHER})
    assert parts.code() == ("other.deep", "mine")
