"""The house keeps its shape: who imports whom, and what no library module may do."""

import ast
import sys
from collections.abc import Iterator
from typing import get_args

from cqsid.registry import ChannelSpec
from simulator.calling import PACKAGES
from tests.house import PACKAGES as LAYERS, ROOT, SOURCES, tree_of

ONLY = {"simpy": "simulator", "tomllib": "experiments"}
GENERATORS = {"Generator", "default_rng", "SeedSequence", "PCG64", "Philox", "BitGenerator"}

SPECS = get_args(get_args(ChannelSpec)[0])
SETTINGS = {spec.__name__ for spec in SPECS} | {"GenerativeSpec", "ChannelSettings"}
TYPES = {spec.model_fields["type"].default for spec in SPECS} - {"custom"}
# What a shop starts with is settings by name; whoever reads them asks no class.
BOOTSTRAP = "recall.classic.bootstrap.BOOTSTRAP_CHANNELS"
CHANNELS = (
    *("recall.classic", "cqsid.channel", "cqsid.settings"),
    *(f"{home}.registry.{spec.__name__}" for home in ("recall", "cqsid") for spec in SPECS),
)
"""What only the registries may import."""


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


def test_imports_point_to_the_right_only() -> None:
    wrong = [
        f"{path} imports {name}"
        for path in SOURCES
        for name in set(_imports(tree_of(path))) & set(LAYERS[: LAYERS.index(path.parts[0])])
    ]
    assert wrong == []


def test_simpy_torch_and_tomllib_stay_where_they_belong() -> None:
    wrong = []
    for path in SOURCES:
        layer, imported = path.parts[0], set(_imports(tree_of(path)))
        away = {name for name, home in ONLY.items() if layer != home}
        if layer == "simulator":
            away |= {"torch", "transformers"}
        wrong += [f"{path} imports {name}" for name in imported & away]
    assert wrong == []


def test_no_module_is_named_after_the_standard_library() -> None:
    names = {part.removesuffix(".py") for path in SOURCES for part in path.parts}
    assert names & set(sys.stdlib_module_names) == set()


def test_library_code_prints_nothing_and_keeps_off_global_randomness() -> None:
    wrong = [f"{path}, {line}" for path in SOURCES for line in _outbursts(tree_of(path))]
    assert wrong == []


def _outbursts(tree: ast.Module) -> Iterator[str]:
    """Calls that print, or that use random state which others share."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        if name == "print":
            yield f"line {node.lineno}: print, must be logging or progress"
        head, _, last = name.rpartition(".")
        of_numpy = head in ("np.random", "numpy.random") and last not in GENERATORS
        if of_numpy or name in ("torch.manual_seed", "random.seed", "random.random"):
            yield f"line {node.lineno}: {name} uses global random state"


def test_a_print_and_a_draw_from_global_state_would_be_seen() -> None:
    tree = ast.parse("print(1)\nx = np.random.rand(2)\nnp.random.default_rng(3)\nrandom.seed(1)")
    assert [line.partition(":")[0] for line in _outbursts(tree)] == ["line 1", "line 2", "line 4"]


def test_experiments_knows_no_channel_by_its_class() -> None:
    wrong = [
        f"{path}: {found}"
        for path in SOURCES
        if path.parts[0] == "experiments"
        for found in known_channels(tree_of(path))
    ]
    assert wrong == []


def known_channels(tree: ast.Module) -> list[str]:
    """Where a module imports a channel or its settings, or asks what kind of channel it has."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in names if name.startswith(CHANNELS) and name != BOOTSTRAP]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith(CHANNELS)]
        elif isinstance(node, ast.Call) and _dotted(node.func) == "isinstance":
            parts = [each for each in ast.walk(node.args[1]) if isinstance(each, ast.expr)]
            kinds = {_dotted(each).rpartition(".")[2] for each in parts}
            found += [f"isinstance(.., {kind})" for kind in sorted(kinds & SETTINGS)]
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            told = [each for where in node.comparators for each in ast.walk(where)]
            words = {each.value for each in told if isinstance(each, ast.Constant)}
            if node.left.attr == "type" and words & TYPES:
                found.append(f"line {node.lineno}: type == {min(words & TYPES)}")
    return found


def test_a_channel_that_is_known_by_its_class_would_be_seen() -> None:
    for line in (
        "from recall.classic.dense import DenseChannel",
        "import cqsid.channel",
        "from cqsid.settings import CqsidSpec",
        "def late():\n    from recall.registry import CustomSpec",
        "isinstance(spec, CqsidSpec | DenseSpec)",
        "isinstance(spec, (int, recall.registry.CustomSpec))",
        "if spec.type == 'dense': pass",
        "found = spec.type in ('cqsid', 'dense')",
    ):
        assert known_channels(ast.parse(line)), line
    assert not known_channels(ast.parse("from cqsid.registry import generative"))
    assert not known_channels(ast.parse("isinstance(channel, Refreshable)"))


def test_plug_ins_are_told_from_the_packages_of_this_house() -> None:
    assert set(PACKAGES) == set(LAYERS)


def test_every_package_ships_its_types() -> None:
    assert all((ROOT / layer / "py.typed").is_file() for layer in LAYERS)
    assert all((ROOT / layer / "__init__.py").is_file() for layer in LAYERS)


def test_a_forbidden_import_would_be_seen() -> None:
    tree = ast.parse("def late():\n    from recall.channel import Channel\n    import simpy.core")
    assert set(_imports(tree)) == {"recall", "simpy"}
