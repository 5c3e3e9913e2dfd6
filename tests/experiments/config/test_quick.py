"""Settings are read, shown and refused without the libraries that runs need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.config.tomlfiles import shipped_configs

_HEAVY = [
    *("torch", "transformers", "scipy", "pandas", "numba", "pyarrow"),
    *("lightgbm", "bm25s", "duckdb", "simpy", "safetensors"),
]
# The command is loaded once; then each is carried out in a process of its own.
_LOADED = f"""
import json, os, sys
from experiments.cli import app
for words in json.loads(sys.argv[1]):
    print("==", flush=True)
    if os.fork() == 0:
        try:
            app(words, standalone_mode=False)
        except Exception as error:
            print(error)
        print("loaded", [name for name in {_HEAVY} if name in sys.modules], flush=True)
        os._exit(0)
    os.wait()
"""


def loaded(*commands: tuple[str, ...]) -> list[str]:
    """What each command says, and which heavy libraries its process has loaded in the end."""
    python = [sys.executable, "-c", _LOADED, json.dumps(commands)]
    found = subprocess.run(python, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    before, *told = found.stdout.split("==\n")
    assert before == ""
    return told


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """What is said where a shipped configuration is shown, by its name."""
    names = [*shipped_configs()]
    return dict(zip(names, loaded(*(("config", name) for name in names)), strict=True))


@pytest.mark.parametrize("name", [*shipped_configs()])
def test_reading_settings_loads_no_heavy_library(shown: dict[str, str], name: str) -> None:
    assert shown[name] == f"{name}: settings are valid\nloaded []\n"


def test_a_refusal_loads_no_heavy_library() -> None:
    (said,) = loaded(("run", "demo", "--set", "world.days=0"))
    assert "world.days == 0, must be >= 1" in said
    assert "loaded []" in said


def test_a_look_at_a_file_loads_no_heavy_library(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("id,title,price\n1,Red shoe,10\n2,Blue hat,12\n")
    (said,) = loaded(("data", "check", str(file)))
    assert "items 2" in said
    assert "loaded []" in said
