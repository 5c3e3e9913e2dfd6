"""What the packages offer by name, and what importing them costs."""

import subprocess
import sys
from importlib import import_module

import pytest

pytestmark = pytest.mark.long

PACKAGES = (
    *("funnelab", "simulator", "recall", "ranking", "cqsid", "experiments"),
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


NOWHERE = "simulator.nowhere"
# Libraries are loaded once; then each package is the first of ours in a process of its own.
_EACH_FIRST = """
import os, sys, traceback
import duckdb, lightgbm, numba, pandas, pyarrow.parquet, pydantic, scipy.stats, simpy, tea_tasting
import torch, transformers
for name in sys.argv[1:]:
    print("==", name, flush=True)
    if os.fork() == 0:
        try:
            exec(f"from {name} import *", {})
        except BaseException:
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def told_by_first() -> dict[str, str]:
    """What is said where a package is the first to be imported, by its name."""
    done = subprocess.run(
        [sys.executable, "-c", _EACH_FIRST, *PACKAGES, NOWHERE],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    before, *parts = done.stdout.split("== ")
    assert before == ""
    return {name: told for name, _, told in (part.partition("\n") for part in parts)}


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_can_be_asked_first(told_by_first: dict[str, str], name: str) -> None:
    """Whichever package is imported first, no cycle of imports shows."""
    assert told_by_first[name].strip() == ""


def test_a_package_that_cannot_be_asked_first_would_be_seen(
    told_by_first: dict[str, str],
) -> None:
    assert f"No module named '{NOWHERE}'" in told_by_first[NOWHERE]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'recall' has no attribute 'Chanel'"):
        import_module("recall").Chanel  # noqa: B018
