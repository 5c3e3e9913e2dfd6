"""A stage's key moves with every module that makes it, and with no other."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import experiments
from cqsid.registry import ChannelSpec
from experiments.attribution.incremental.replay import replay
from experiments.config.loading import Config
from experiments.idsbench.trial import run_trial
from experiments.rewardlab.policies import run_policy
from experiments.running.models import Trained
from experiments.running.pipeline import Pipeline
from experiments.stages.executor import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.keys import code_of, stage_key
from experiments.stages.maker import Job, Maker
from experiments.stages.progress import NoProgress
from experiments.stages.sources import Sources
from experiments.stages.stage import Stage
from recall.classic.lexical import LexicalChannel
from recall.composed.settings import RerankedSpec
from recall.registry import CustomSpec, build_channel
from recall.rewriting.settings import RewrittenSpec
from recall.service.settings import ServiceSpec
from tests.experiments.cqsid_runs import cqsid_config
from tests.experiments.plugins import Shelf

ROOT = Path(experiments.__file__).parents[1]
HOUSE = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("simulator", "recall", "ranking", "cqsid", "experiments")
    for path in (ROOT / package).rglob("*.py")
)
DYNAMIC = {
    *("simulator.exports", "simulator.plugins"),
    *("recall.registry", "recall.steps.settings", "recall.storage"),
}
"""Who imports by a computed name: lazy exports, plug-ins, channels' homes, what a file holds."""


@dataclass(frozen=True)
class Asked:
    """All that a key is made of."""

    name: str
    settings: Any
    task: Callable[..., Any]
    inputs: Sequence[str]

    def key(self, sources: Sources) -> str:
        return stage_key(
            self.name, self.settings, task=self.task, inputs=self.inputs, sources=sources
        )

    @property
    def code(self) -> set[str]:
        return set(code_of(self.task, self.settings))


class Asking(Maker):
    """Makes nothing, and remembers what it was asked for."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__(run, ExecutionSpec(), NoProgress())
        self.asked: dict[str, Asked] = {}

    def stage(
        self, name: str, settings: Any, *, task: Callable[..., Any], inputs: Sequence[str]
    ) -> Stage:
        self.asked[name] = Asked(name, settings, task, inputs)
        return super().stage(name, settings, task=task, inputs=inputs)

    def here(self, job: Job, unit: str) -> None:
        """It stays unmade."""

    def side_by_side(self, name: str, jobs: Sequence[Job], unit: str, units_each: int) -> None:
        """They stay unmade."""


def stages_of(config: Config, folder: Path, unseen_days: int = 0) -> dict[str, Asked]:
    """The stages of a run by name, none of them made."""
    with RunFolder(folder) as run:
        maker = Asking(run)
        pipeline = Pipeline(config, maker, unseen_days)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        channels, early = pipeline.models.channels(catalogue, history)
        rankers = pipeline.models.rankers(catalogue, history, channels, early)
        pipeline.worlds(Trained(catalogue, history, channels, rankers), config.truth.seeds)
    return maker.asked


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Asked]:
    folder = tmp_path_factory.mktemp("keys")
    return stages_of(cqsid_config(folder), folder / "run")


Edited = Callable[..., Sources]


def file_of(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.fixture(scope="module")
def edited() -> Edited:
    """The sources of this project with a comment more in some modules."""
    found: dict[Path, bytes] = {}

    def sources(*modules: str) -> Sources:
        files = {file_of(module) for module in modules}

        def read(file: Path) -> bytes:
            content = found.setdefault(file, file.read_bytes())
            return content + b"\n# a comment\n" if file in files else content

        return Sources(read)

    return sources


@pytest.mark.parametrize(
    "name", [pytest.param("experiment", marks=pytest.mark.slow), "channel-cqsid"]
)
def test_a_key_moves_with_each_module_of_the_stages_closure_and_with_no_other(
    stages: Mapping[str, Asked], edited: Edited, name: str
) -> None:
    stage = stages[name]
    before, code = stage.key(edited()), stage.code
    assert 60 < len(code) < len(HOUSE) / 2
    assert code == {module for module in code if stage.key(edited(module)) != before}
    assert stage.key(edited(*set(HOUSE) - code)) == before


@pytest.mark.parametrize(
    ("module", "moved"),
    [
        ("experiments.designs.shopper", {"history", "experiment", "truth-dense-0"}),
        ("cqsid.rewards.trl", set()),
        ("cqsid.rewards.of_log", set()),
        ("cqsid.alignment.learner", set()),
        ("experiments.report.run.page", set()),
        ("experiments.inference.units", set()),
        (
            "experiments.running.heldout",
            {"channel-cqsid", "channel-lexical", "examples", "ranker"},
        ),
        ("cqsid.generator.transformer", {"channel-cqsid", "experiment", "truth-dense-0"}),
        ("recall.classic.dense", {"ranker"}),
        ("simulator.catalogue.titles", {"catalogue"}),
    ],
)
def test_a_change_remakes_what_it_decides(
    stages: Mapping[str, Asked], edited: Edited, module: str, moved: set[str]
) -> None:
    """The keys by themselves: what a stage reads moves its key as well, through its inputs."""
    looked_at = {
        *("catalogue", "history", "channel-cqsid", "channel-lexical"),
        *("examples", "ranker", "experiment", "truth-dense-0"),
    }
    before, after = edited(), edited(module)
    found = {name for name in looked_at if stages[name].key(before) != stages[name].key(after)}
    assert found == moved


@pytest.mark.parametrize(
    ("task", "modules"),
    [
        (run_trial, {"experiments.idsbench.asked", "experiments.running.heldout"}),
        (run_policy, {"experiments.rewardlab.oracle", "cqsid.rewards.of_log"}),
        (replay, {"experiments.running.worlds", "experiments.config.attribution"}),
    ],
)
def test_what_decides_a_labs_stage_is_in_its_key(task: Any, modules: set[str]) -> None:
    assert modules <= code_of(task).keys()
    assert "cqsid.rewards.trl" not in code_of(task)


@pytest.mark.parametrize("spec", ChannelSpec.__args__[0].__args__)
def test_the_code_of_a_channels_settings_is_where_the_channel_is_made(spec: type) -> None:
    needed = {
        CustomSpec: {"object": f"{Shelf.__module__}:Shelf"},
        ServiceSpec: {"url": "http://localhost/{query}/{limit}", "cache": "answers"},
        RerankedSpec: {"inner": "lexical", "scorer": "lexical"},
        RewrittenSpec: {"inner": "lexical", "rewriter": "coclick"},
    }
    settings = spec(**needed.get(spec, {}))
    parts = {each.field: LexicalChannel() for each in settings.references()}
    made = type(build_channel("mine", settings, parts))
    assert made.__module__ in {settings.home.partition(":")[0], *settings.code()}


def test_a_plug_in_and_what_it_imports_of_the_users_own_are_in_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    lines = f"from {Shelf.__module__} import Shelf\nimport sk_helper\nclass Mine(Shelf): ...\n"
    (tmp_path / "sk_shop.py").write_text(lines)
    (tmp_path / "sk_helper.py").write_text("STEP = 37\n")
    mine = '[channels.mine]\ntype = "custom"\nobject = "sk_shop:Mine"\n'
    config = cqsid_config(tmp_path, 'arms.dense.channels=["lexical", "mine"]', more=mine)
    found = stages_of(config, tmp_path / "run")
    for name in ("channel-mine", "experiment", "truth-dense-0"):
        assert {"sk_shop", "sk_helper", "tests.experiments.plugins"} <= found[name].code
    for name in ("catalogue", "history", "channel-lexical", "truth-control-0"):
        assert "sk_helper" not in found[name].code


def test_another_set_of_channels_makes_another_ranker_only_where_it_is_told_of_them(
    tmp_path: Path,
) -> None:
    """Then its features are those of every channel of the run, whether its arm uses it or not."""
    told = ("ranker.provenance=true", "ranker.training=per_arm")
    for overrides, same in (((), True), (told, False)):
        examples, rankers = set(), set()
        for more in ("", '[channels.best]\ntype = "popular"\n'):
            asked = stages_of(cqsid_config(tmp_path, *overrides, more=more), tmp_path / "run")
            examples.add(asked["examples"].key(Sources()))
            rankers.add(asked["ranker"].key(Sources()))
        assert (len(examples) == 1, len(rankers) == 1) == (same, same)


def test_nothing_else_is_imported_by_a_computed_name() -> None:
    """The closure is complete only while whoever imports like that is known."""
    found = set()
    computed = {"import_module", "__import__"}
    for module in HOUSE:
        source = file_of(module).read_text()
        if any(name in source for name in computed):
            nodes = ast.walk(ast.parse(source))
            if computed & {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}:
                found.add(module)
    assert found == DYNAMIC
