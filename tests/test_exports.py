"""What the packages offer by name, and what importing them costs."""

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = (
    *("simulator", "recall", "ranking", "cqsid", "experiments"),
    *("cqsid.rewards", "cqsid.alignment"),
)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_exported_name_exists_and_says_what_it_is(name: str) -> None:
    package = import_module(name)
    assert package.__doc__
    assert package.__all__ == sorted(package.__all__)
    for exported in package.__all__:
        assert getattr(package, exported).__doc__, exported


@pytest.mark.parametrize("name", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(name: str) -> None:
    program = (
        f"import sys, {name}\n"
        "heavy = {'torch', 'numba', 'numpy', 'pandas', 'simpy', 'duckdb'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_can_be_asked_first(name: str) -> None:
    """Whichever package is imported first, no cycle of imports shows."""
    program = f"from {name} import *"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'recall' has no attribute 'Chanel'"):
        import_module("recall").Chanel  # noqa: B018
