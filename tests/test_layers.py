"""The house keeps its shape: who imports whom, and what no library module may do."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("experiments", "cqsid", "ranking", "recall", "simulator")  # each imports rightwards only
ONLY = {"simpy": "simulator", "tomllib": "experiments"}
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
GENERATORS = {"Generator", "default_rng", "SeedSequence", "PCG64", "Philox", "BitGenerator"}

modules = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> Iterator[str]:
    """Top-level names of everything a module imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import, must be absolute"
            yield (node.module or "").split(".")[0]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@modules
def test_imports_point_to_the_right_only(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    left = set(LAYERS[: LAYERS.index(layer)])
    assert not left & set(_imports(_tree(path)))


@modules
def test_simpy_torch_and_tomllib_stay_where_they_belong(path: Path) -> None:
    layer, imported = path.relative_to(ROOT).parts[0], set(_imports(_tree(path)))
    assert not [name for name, home in ONLY.items() if name in imported and layer != home]
    if layer == "simulator":
        assert not {"torch", "transformers"} & imported


@modules
def test_no_module_is_named_after_the_standard_library(path: Path) -> None:
    names = [part.removesuffix(".py") for part in path.relative_to(ROOT).parts]
    assert not set(names) & set(sys.stdlib_module_names)


@modules
def test_library_code_prints_nothing_and_keeps_off_global_randomness(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        assert name != "print", f"line {node.lineno}: print, must be logging or progress"
        head, _, last = name.rpartition(".")
        if head in ("np.random", "numpy.random"):
            assert last in GENERATORS, f"line {node.lineno}: {name} uses global random state"
        assert name not in ("torch.manual_seed", "random.seed", "random.random"), (
            f"line {node.lineno}: {name} uses global random state"
        )


def test_every_package_ships_its_types() -> None:
    assert all((ROOT / layer / "py.typed").is_file() for layer in LAYERS)
    assert all((ROOT / layer / "__init__.py").is_file() for layer in LAYERS)


def test_a_forbidden_import_would_be_seen() -> None:
    tree = ast.parse("def late():\n    from recall.channel import Channel\n    import simpy.core")
    assert set(_imports(tree)) == {"recall", "simpy"}
