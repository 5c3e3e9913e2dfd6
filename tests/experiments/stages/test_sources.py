"""The files behind a module: all that its imports lead to, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.stages.sources import SOURCES, Sources

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes modules of a user's own: `write(my_shop="import other", my_shop__inner="")`."""
    monkeypatch.syspath_prepend(tmp_path)

    def modules(**sources: str) -> None:
        for name, source in sources.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
            if path.parent != tmp_path:
                (path.parent / "__init__.py").touch()

    return modules


def closure(*modules: str) -> set[str]:
    return set(Sources().closure(modules))


@pytest.mark.parametrize(
    "source",
    [
        "import kc_sibling",
        "import kc_sibling as other",
        "from kc_sibling import anything",
        "from kc_sibling import *",
        "def late():\n    if late:\n        import kc_sibling\n",
        "class C:\n  async def f(self):\n    async with self:\n      import kc_sibling\n",
        "try:\n    import json\nexcept ImportError:\n    import kc_sibling\n",
        "match 1:\n    case 1:\n        import kc_sibling\n",
        "x = 1; import kc_sibling\n",
        "x = '''\ny = 1\n'''\nimport kc_sibling\nz = '''\nw = 2\n'''\n",
        "from kc_sibling import (\n    a,\n    b,\n)\nx = [\n1\n]\n",
    ],
)
def test_an_import_is_followed_wherever_it_stands(write: Write, source: str) -> None:
    write(kc_user=source, kc_sibling="import kc_third", kc_third="", kc_stranger="")
    assert closure("kc_user") == {"kc_user", "kc_sibling", "kc_third"}


def test_imports_inside_a_package_are_followed_with_every_init_on_the_path(write: Write) -> None:
    write(
        kc_shop__channels__mine="from . import near\nfrom ..words import split\n",
        kc_shop__channels__near="",
        kc_shop__channels__far="",
        kc_shop__words="",
    )
    assert closure("kc_shop.channels.mine") == {
        *("kc_shop", "kc_shop.channels", "kc_shop.words"),
        *("kc_shop.channels.mine", "kc_shop.channels.near"),
    }


def test_modules_that_import_each_other_are_found_once(write: Write) -> None:
    write(kc_a="import kc_b", kc_b="import kc_a")
    assert closure("kc_a") == {"kc_a", "kc_b"}


@pytest.mark.parametrize("guard", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_decide_nothing(write: Write, guard: str) -> None:
    source = f"import typing\nif {guard}:\n    import kc_types\nelse:\n    import kc_real\n"
    write(kc_user=source, kc_types="", kc_real="")
    assert closure("kc_user") == {"kc_user", "kc_real"}


def test_a_lazily_exported_name_leads_to_its_home_alone(write: Write) -> None:
    write(kc_user="from recall import Candidates\n")
    found = closure("kc_user")
    assert {"recall", "recall.candidates", "simulator.exports"} <= found
    assert not {"recall.conformance", "recall.channel"} & found


def test_a_package_as_a_whole_may_be_asked_for_any_of_its_names(write: Write) -> None:
    write(kc_user="import recall\n", kc_star="from recall import *\n")
    for user in ("kc_user", "kc_star"):
        assert {"recall.candidates", "recall.conformance"} <= closure(user)


def test_libraries_are_not_followed(write: Write) -> None:
    write(kc_user="import numpy.random\nimport json\nimport no_such_module_anywhere\n")
    assert closure("kc_user") == {"kc_user"}


def test_libraries_of_another_environment_are_not_followed(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where one environment sees the packages of the one that it was made from."""
    library = tmp_path / "lib" / "site-packages" / "kc_library.py"
    library.parent.mkdir(parents=True)
    library.write_text("import kc_inner\n")
    monkeypatch.syspath_prepend(library.parent)
    write(kc_user="import kc_library\n")
    assert closure("kc_user") == {"kc_user"}


def test_a_folder_without_init_inside_a_package_is_followed(write: Write, tmp_path: Path) -> None:
    """Also where its package was not imported."""
    write(kc_shop__user="from kc_shop.bare.inner import one\n")
    (tmp_path / "kc_shop" / "bare" / "deep").mkdir(parents=True)
    (tmp_path / "kc_shop" / "bare" / "inner.py").write_text("from .deep import last\n")
    (tmp_path / "kc_shop" / "bare" / "deep" / "last.py").touch()
    assert closure("kc_shop.user") == {
        *("kc_shop", "kc_shop.user", "kc_shop.bare.inner", "kc_shop.bare.deep.last"),
    }


def test_an_installed_plug_in_is_followed_inside_its_own_package() -> None:
    found = closure("rich.markup")
    assert {"rich", "rich.markup", "rich.style"} <= found
    assert not any(module.startswith("pygments") for module in found)


def test_a_file_that_is_no_python_counts_by_its_bytes(write: Write) -> None:
    write(kc_user="import kc_broken\n", kc_broken="def (:\nimport kc_third\n", kc_third="")
    assert closure("kc_user") == {"kc_user", "kc_broken"}


def test_the_digest_moves_with_the_bytes_of_every_file_and_with_names(write: Write) -> None:
    write(kc_user="import kc_sibling", kc_sibling="x = 1")

    def digest() -> str:
        sources = Sources()
        return sources.digest(sources.closure(["kc_user"]))

    before = digest()
    assert digest() == before
    write(kc_sibling="x = 1  # a comment")
    changed = digest()
    write(kc_user="import kc_twin", kc_twin="x = 1  # a comment")
    assert len({before, changed, digest()}) == 3


def test_what_has_no_file_has_no_source(write: Write) -> None:
    write(kc_user="")
    assert SOURCES.has("kc_user")
    assert not SOURCES.has("builtins")
    assert not SOURCES.has("no_such_module_anywhere")
    with pytest.raises(ModuleNotFoundError, match="no source for module 'builtins'"):
        closure("builtins")
