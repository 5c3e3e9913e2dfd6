"""A user installs what the packages import, and nothing else."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.house import PACKAGES, ROOT, SOURCES, tree_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OPTIONAL = {
    "ray": "cluster",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "mlflow": "mlflow",
    "gymnasium": "gym",
    "trl": "dev",
    "datasets": "dev",
}
"""Libraries that are imported where a user asks for what they do, by the extra that has them."""

INSTALLED_AS = {"mlflow": "mlflow_skinny"}  # the same library without its server

NOT_NAMED = {
    "llvmlite": "numba",  # which is made of it
    "pydantic_core": "pydantic",
    "tensorboard": "torch",  # torch.utils.tensorboard imports it
}


def imported() -> Iterator[str]:
    """The libraries that the packages import anywhere."""
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def named(requirements: list[str]) -> set[str]:
    """The libraries of some requirements, as they are imported."""
    return {re.split(r"[<>=\[;]", each)[0].strip().replace("-", "_") for each in requirements}


def test_what_is_installed_is_what_is_imported() -> None:
    libraries = set(imported()) - {*PACKAGES, *sys.stdlib_module_names}
    needed = {NOT_NAMED.get(name, name) for name in libraries} - OPTIONAL.keys()
    assert needed == named(PROJECT["dependencies"])


def test_what_is_imported_on_demand_has_an_extra() -> None:
    for library, extra in OPTIONAL.items():
        if library != "datasets":  # comes with trl
            extras = named(PROJECT["optional-dependencies"][extra])
            assert INSTALLED_AS.get(library, library) in extras


def test_the_demo_installs_no_tools() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\ndemo: ")[2].partition("\n\n")[0]
    assert recipe.startswith("$(RUNS)\n")
    rule = makefile.partition("\n$(RUNS): ")[2].partition("\n\n")[0]
    assert "-e .\n" in rule + "\n"
    assert "dev" not in rule
