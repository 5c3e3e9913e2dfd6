"""Chain judges over training seeds, on the annotations that a finished run has bought.

python -m tests.benchmarks.chains RUN [--seeds 1,2,3] [--only "NAME;NAME"]

prints, for each judge, the mean over seeds of what it gets right on pairs of texts that were never
bought, with a 95 % interval over trainings (Student's t); the pairs are the same for all.
"""

import argparse
import copy
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from cqsid.registry import build_judge
from cqsid.systems.chain.chainjudge import ChainJudge
from cqsid.systems.chain.chains import VERDICTS
from cqsid.systems.chain.languagejudge import LanguageJudge, School
from cqsid.systems.chain.settings import ChainJudgeSpec
from experiments.stress.judging import measures
from recall.device import one_thread
from recall.judge import GRADES, requests_of, tiers
from recall.storage import load
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Catalog

THINK: dict[str, Any] = {"order": "think_first"}
JUDGES: dict[str, dict[str, Any]] = {
    "grade alone": {"verdicts": False},
    "sft": {},
    "sft, think first": THINK,
    "sft, permuted": {"permuted": True},
    "dpo": {"alignment": "dpo"},
    "grpo": {"alignment": "grpo"},
    "grpo, think first": THINK | {"alignment": "grpo"},
    "grpo, others' truth": {"alignment": "grpo", "aligning": {"permuted": True}},
    "agrl": THINK | {"alignment": "agrl"},
    "she": {"alignment": "she"},
    "she, others' truth": {"alignment": "she", "aligning": {"permuted": True}},
    "grpo, curriculum": {"alignment": "grpo", "aligning": {"curriculum": True}},
    "she, no curriculum": {"alignment": "she", "aligning": {"curriculum": False}},
    "she, model": {"alignment": "she", "aligning": {"verifier": "model"}},
    "she, random model": {"alignment": "she", "aligning": {"verifier": "random"}},
    "she, model, no curriculum": {
        "alignment": "she",
        "aligning": {"curriculum": False, "verifier": "model"},
    },
    "she, random model, no curriculum": {
        "alignment": "she",
        "aligning": {"curriculum": False, "verifier": "random"},
    },
}
Taught = tuple[LanguageJudge, School, float]
"""A supervised judge, what it learned from, and the seconds that it took."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    (annotated,), (made,) = (
        list((asked.run / "stages").glob(f"{kind}-*")) for kind in ("annotations", "catalogue")
    )
    bought: Annotations = load(annotated / "bought.safetensors")
    measured: Annotations = load(annotated / "measured.safetensors")
    catalog: Catalog = load(made / "catalog.safetensors")
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    only = asked.only.split(";") if asked.only else list(JUDGES)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in only}
    for seed in seeds:
        taught: dict[str, Taught] = {}  # alignments go on from one supervised judge
        for name in only:
            spec = ChainJudgeSpec(**JUDGES[name])
            before = ChainJudgeSpec(
                order=spec.order, verdicts=spec.verdicts, permuted=spec.permuted
            )
            key = before.model_dump_json()
            if key not in taught:
                taught[key] = _supervised(before, catalog, bought, seed)
            judge, school = copy.copy(taught[key][0]), taught[key][1]
            judge.__dict__.pop("reader", None)
            judge.spec, start = spec, time.process_time()
            judge.align(school)
            seconds = taught[key][2] + time.process_time() - start
            with one_thread():
                rows[name].append(_figures(judge, measured) | {"seconds to learn": seconds})
            told = (_told(each, [row[each] for row in rows[name]]) for each in rows[name][0])
            print(f"{len(rows[name])} seeds, {name}: " + ", ".join(told))
            sys.stdout.flush()


def _supervised(spec: ChainJudgeSpec, catalog: Catalog, bought: Annotations, seed: int) -> Taught:
    rng, start = np.random.default_rng(seed), time.process_time()
    judge = build_judge("chain", spec)
    assert isinstance(judge, LanguageJudge)
    school = judge.prepare(catalog, bought.shuffled(rng) if spec.permuted else bought, rng)
    judge.supervise(school)
    return judge, school, time.process_time() - start


def _figures(judge: LanguageJudge, pairs: Annotations) -> dict[str, float]:
    asked, start = requests_of(pairs.texts, pairs.text_J), time.process_time()
    chances_JG = judge.grades(asked, pairs.item_J[:, None])[:, 0]
    seconds = time.process_time() - start
    grades, medians = (
        _measured(judge.name, each_JG, pairs)
        for each_JG in (chances_JG, np.eye(GRADES)[tiers(chances_JG, 0.5)])
    )
    figures = {
        "macro F1": grades["macro_f1"],
        "of medians": medians["macro_f1"],
        "F1 of 1": grades["f1_1"],
        "F1 of 2": grades["f1_2"],
        "AUC": grades["auc"],
        "pairs a second": len(pairs) / seconds,
    }
    if isinstance(judge, ChainJudge):
        codes_JL = judge.written(asked, pairs.item_J[:, None])[:, 0]
        figures["contradicts itself"] = 1 - float(judge.chains.agrees(codes_JL).mean())
        for name in VERDICTS:
            said_J = codes_JL[:, judge.chains.names.index(name)]
            figures[f"{name} right"] = float((said_J == getattr(pairs, f"{name}_J")).mean())
    if judge.aligned is not None:
        for part, some in (("first", slice(0, 20)), ("last", slice(-20, None))):
            figures[f"dead groups, {part} 20 steps"] = float(judge.aligned.dead[some].mean())
            figures[f"likelihood, {part} 20 steps"] = float(judge.aligned.likelihood[some].mean())
    return figures


def _measured(name: str, chances_JG: np.ndarray, pairs: Annotations) -> dict[str, float]:
    rows = measures(name, chances_JG, pairs.grade_J, pairs.text_J, 0.95, np.random.default_rng(0))
    return {row.measure: row.value.estimate for row in rows if row.value.estimate is not None}


def _told(name: str, values: list[float]) -> str:
    mean, number = float(np.mean(values)), len(values)
    digits = 0 if mean > 20 else 3
    if number < 2:
        return f"{name} {mean:.{digits}f}"
    half = float(student.ppf(0.975, number - 1) * np.std(values, ddof=1) / np.sqrt(number))
    return f"{name} {mean:.{digits}f} ±{half:.{digits}f}"


if __name__ == "__main__":
    main()
