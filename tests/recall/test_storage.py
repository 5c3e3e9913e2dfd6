"""What is kept comes back as it was; what could execute, or is no data, is refused."""

import json
import pickle
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from pydantic import Field
from safetensors.numpy import load_file, save_file
from scipy import sparse

from recall.registry import CustomSpec
from recall.storage import load, plug_in_roots, save
from simulator.behaviour.clickmodels import CustomClickModel
from simulator.errors import ContractError, DataError
from simulator.randomness import Draws
from simulator.spec import Spec

OWN = ("tests",)


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: str


class Settings(Spec):
    depth: int = 3
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    values: np.ndarray
    inner: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Slotted:
    value: int


@dataclass
class Ring:
    name: str
    next: "Ring | None" = None


class Counter:
    """Keeps its start, and makes the rest again."""

    def __init__(self, start: int) -> None:
        self.start, self.count = start, (lambda: start)

    def __getstate__(self) -> int:
        return self.start

    def __setstate__(self, start: int) -> None:
        self.__init__(start)  # type: ignore[misc]


@dataclass
class Held:
    thing: Any
    others: list[Any] = field(default_factory=list)


def kept(thing: Any, folder: Path, trusted: tuple[str, ...] = OWN) -> Any:
    path = folder / "thing.safetensors"
    save(path, thing, trusted=trusted)
    return load(path, trusted)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=20)
    | st.sampled_from([Colour.RED, Path("a/b"), Pair(1, "x"), np.float32(0.1), np.int8(-3)]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.integers()), inner)
    ),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_equal_and_of_the_same_types(tmp_path_factory, thing):
    found = kept(thing, tmp_path_factory.mktemp("plain"))
    assert found == thing
    assert repr(found) == repr(thing)


def test_sets_come_back_equal_and_of_the_same_types(tmp_path):
    found = kept([{1, -8, "a"}, frozenset([(2, "b")])], tmp_path)
    assert found == [{1, -8, "a"}, frozenset([(2, "b")])]
    assert [type(each) for each in found] == [set, frozenset]


@given(npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=0, min_side=0, max_dims=3)))
def test_arrays_come_back_in_the_same_bits(tmp_path_factory, array):
    if array.dtype.kind == "c" or array.dtype.byteorder == ">" or array.dtype.itemsize > 8:
        return
    found = kept(array, tmp_path_factory.mktemp("array"))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


def test_an_array_keeps_the_order_of_its_memory_and_may_be_written(tmp_path):
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    found = kept(turned, tmp_path)
    assert found.flags.f_contiguous
    assert not found.flags.c_contiguous
    found[0, 0] = 7


@given(st.lists(st.text(st.characters()), max_size=40))
def test_texts_of_every_kind_come_back(tmp_path_factory, texts):
    words = np.empty(len(texts), object)
    words[:] = texts
    found = kept([texts, tuple(texts), words], tmp_path_factory.mktemp("texts"))
    assert found[:2] == [texts, tuple(texts)]
    assert found[2].dtype == object
    assert found[2].tolist() == texts


def test_objects_are_made_of_their_attributes_without_being_called(tmp_path):
    node = Node(np.arange(3), Node(np.zeros(0)))
    found = kept([node, Slotted(4), Settings(depth=5, names=("a",)), Draws(3)], tmp_path)
    assert np.array_equal(found[0].values, [0, 1, 2])
    assert len(found[0].inner.values) == 0
    assert found[1:3] == [Slotted(4), Settings(depth=5, names=("a",))]
    assert found[3].seed == 3


def test_what_is_held_twice_is_one_again(tmp_path):
    shared = np.arange(4)
    first, second, again = kept((Node(shared), Node(shared), shared), tmp_path)
    assert first.values is second.values is again
    ring = Ring("a", Ring("b"))
    ring.next.next = ring  # type: ignore[union-attr]
    found = kept(ring, tmp_path)
    assert found.next.next is found
    assert len(load_file(tmp_path / "thing.safetensors")) == 0


def test_tensors_sparse_matrices_and_generators_come_back(tmp_path):
    rng = np.random.default_rng(5)
    rng.random(3)
    table = sparse.random(5, 7, 0.3, format="csr", dtype=np.float32, random_state=1)
    tensor = torch.arange(6, dtype=torch.int32).reshape(2, 3).T
    tables = [sparse.csr_matrix(table), sparse.csc_array(table), table.tocsc()]
    found = kept([rng, tensor, *tables], tmp_path)
    assert np.array_equal(found[0].random(4), rng.random(4))
    assert torch.equal(found[1], tensor)
    assert found[1].dtype == torch.int32
    assert [type(each) for each in found[2:]] == [type(each) for each in tables]
    assert all(np.array_equal(each.toarray(), table.toarray()) for each in found[2:])


def test_a_class_may_say_what_is_kept_and_make_the_rest_again(tmp_path):
    assert kept(Counter(4), tmp_path).count() == 4


@pytest.mark.parametrize(
    ("thing", "place"),
    [
        (Held(lambda: 0), r"object\.thing == <function"),
        (Held(0, [print]), r"object\.others\[0\] == <built-in function print>"),
        (Held({"a": Held}), r"object\.thing\['a'\] == <class"),
        (Held(torch.nn.ReLU()), r"object\.thing == torch\..*ReLU, must be data"),
        (Held(np.array([{}])), r"object\.thing == array of object"),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(tmp_path, thing, place):
    with pytest.raises(ContractError, match=place):
        save(tmp_path / "thing.safetensors", thing, trusted=OWN)


def forged(folder: Path, tree: Any) -> Path:
    path = folder / "forged.safetensors"
    save_file({}, path, metadata={"tree": json.dumps(tree)})
    return path


@pytest.mark.parametrize(
    "name",
    ["os:system", "subprocess:Popen", "builtins:eval", "tests.recall.test_storage:Node", "x:Y"],
)
def test_a_class_of_elsewhere_is_not_even_imported(tmp_path, name):
    path = forged(tmp_path, {"object": name, "attributes": []})
    with pytest.raises(DataError, match=f"class == '{name}', must be of funnelab or of a plug-in"):
        load(path)


@pytest.mark.parametrize(
    "name",
    ["recall.storage:save", "recall.storage:json.loads", "recall.gone:X", "recall.texts.words:np"],
)
def test_what_is_no_class_of_ours_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="class == "):
        load(forged(tmp_path, {"object": name, "attributes": []}))


@pytest.mark.parametrize("tree", [{"nonsense": 1}, {"ref": 3}, {"array": "9"}, {"decode": 1}, {}])
def test_a_tree_of_another_kind_is_unreadable(tmp_path, tree):
    with pytest.raises(DataError, match="unreadable"):
        load(forged(tmp_path, tree))


def test_a_pickle_and_a_file_cut_short_are_unreadable_and_named(tmp_path):
    path = tmp_path / "thing.safetensors"
    path.write_bytes(pickle.dumps(OrderedDict(a=1)))
    with pytest.raises(DataError, match=f"{path} == unreadable"):
        load(path)
    save(path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="unreadable"):
        load(path)
    with pytest.raises(DataError, match="unreadable"):
        load(tmp_path / "nowhere")


def test_plug_ins_that_settings_name_may_be_in_a_run_s_files():
    class Mine(Spec):
        channels: dict[str, CustomSpec] = Field(
            {"mine": CustomSpec(object="my_package.sub:Channel")}
        )
        models: tuple[CustomClickModel, ...] = (CustomClickModel(object="other:Clicks"),)
        path: str = "third:x"

    assert {"my_package", "other"} <= plug_in_roots(Mine())
    assert "third" not in plug_in_roots(Mine())
