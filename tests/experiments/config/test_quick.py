"""Settings are read, shown and refused without the libraries that runs need."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.config.tomlfiles import shipped_configs

_HEAVY = [
    *("torch", "transformers", "scipy", "pandas", "numba", "pyarrow"),
    *("lightgbm", "bm25s", "duckdb", "simpy", "safetensors"),
]

_LOADED = f"""
import sys
from experiments.cli import app
try:
    app(sys.argv[1:], standalone_mode=False)
except Exception as error:
    print(error)
print("loaded", [name for name in {_HEAVY} if name in sys.modules])
"""


def loaded(*command: str) -> str:
    """What a command says, and which heavy libraries its process has loaded in the end."""
    python = [sys.executable, "-c", _LOADED]
    found = subprocess.run([*python, *command], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("name", [*shipped_configs()])
def test_reading_settings_loads_no_heavy_library(name: str) -> None:
    assert "loaded []" in loaded("config", name)


def test_a_refusal_loads_no_heavy_library() -> None:
    said = loaded("run", "demo", "--set", "world.days=0")
    assert "world.days == 0, must be >= 1" in said
    assert "loaded []" in said


def test_a_look_at_a_file_loads_no_heavy_library(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("id,title,price\n1,Red shoe,10\n2,Blue hat,12\n")
    said = loaded("data", "check", str(file))
    assert "items 2" in said
    assert "loaded []" in said
