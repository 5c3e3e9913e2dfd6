"""Settings of chain judges."""

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from cqsid.alignment.settings import AlgorithmSpec
from cqsid.generator.settings import ModelSpec
from cqsid.training.settings import StageSpec
from recall.settings import DeviceName
from simulator.spec import Spec

Order = Literal["answer_first", "think_first"]
Alignment = Literal["sft", "dpo", "grpo", "agrl", "she"]
Verifier = Literal["annotations", "model", "random"]

ALGORITHMS: Final[dict[str, dict[str, Any]]] = {
    # TaoSR1 (arXiv 2508.12365). Published: DPO on N sampled chains, GRPO with difficulty-based
    # sampling. Inferred: the best against the worst of a group, and every number.
    "dpo": {"preset": "dpo"},
    "grpo": {"preset": "grpo", "kl_weight": 0.05},
    # TaoSR-AGRL (arXiv 2510.08048). Published: rewards shaped by rules, guidance where rollouts are
    # seldom right. Inferred: below a quarter, half of a group is written again behind the true
    # first verdict.
    "agrl": {"preset": "guided_replay", "kl_weight": 0.05, "guided_below": 0.25},
    # TaoSR-SHE (arXiv 2510.07972). Published: rewards of steps, normalised per step, and a
    # curriculum. Inferred: a code is a step, and the grade's own advantage is added.
    "she": {"preset": "level_credit", "kl_weight": 0.05, "outcome_weight": 1.0},
}


class AligningSpec(Spec):
    """How long a judge learns from rewards, and how fast."""

    steps: int = Field(300, gt=0, description="batches of pairs")
    batch: int = Field(64, gt=0, description="pairs of a batch")
    learning_rate: float = Field(3e-4, gt=0, description="of AdamW")
    warmup: int = Field(10, ge=0, description="steps of a linear warm-up; constant thereafter")
    clip: float = Field(1.0, gt=0, description="greatest norm of the gradient")
    harder: float = Field(
        4.0,
        ge=1,
        description="draws of a pair that the judge grades rightly only sometimes, for each of one "
        "that it always or never does (difficulty sampling of TaoSR1)",
    )
    curriculum: bool | None = Field(
        None,
        description="pairs that the judge always grades rightly in the first third of the steps, "
        "then those of which it is not sure, then those that it never does (TaoSR-SHE); False: "
        "draws by `harder` alone; None: as `alignment` says, she alone has one",
    )
    verifier: Verifier = Field(
        "annotations",
        description="of alignment she: who tells which verdicts are right: annotators; a model "
        "that is fitted to the verdicts of half of the annotated texts, and rewards the pairs of "
        "the other half; or the same model's verdicts on other pairs (the null twin). Grades are "
        "those of annotators",
    )
    permuted: bool = Field(
        False,
        description="reward what is true of other pairs: the null twin, which must gain nothing",
    )


class ChainJudgeSpec(Spec):
    """A judge that writes verdicts and a grade, code by code; it learns from annotations alone."""

    type: Literal["chain"] = Field("chain", description="kind: a language model")
    order: Order = Field(
        "answer_first",
        description="grade before the verdicts (as published: it is known after one code), or "
        "after them",
    )
    alignment: Alignment = Field(
        "sft",
        description="what follows the supervised stage: nothing, preferences (dpo), TaoSR1's grpo, "
        "agrl or she",
    )
    verdicts: bool = Field(
        True, description="learn the verdicts too; False: the grade alone, the control of chains"
    )
    permuted: bool = Field(
        False,
        description="learn from annotations whose grades and verdicts are those of other pairs: "
        "the null twin, which must learn nothing",
    )
    understanding: str = Field(
        "",
        description="catalogue step whose filled catalogue it learns from and grades with; none",
    )
    text_subwords: int = Field(12, gt=0, description="most of a text (subwords)")
    item_subwords: int = Field(32, gt=0, description="most of an item's words (subwords)")
    subwords: int = Field(4096, gt=1, description="subword units (most)")
    model: ModelSpec = Field(ModelSpec(), description="the language model")
    made_pairs: int = Field(
        40_000,
        ge=0,
        description="pairs made of published columns, which teach the model what words mean before "
        "it reads an annotation; 0: none",
    )
    pretraining: StageSpec = Field(
        StageSpec(epochs=4.0, batch=128), description="how it learns from pairs made"
    )
    training: StageSpec = Field(
        StageSpec(epochs=4.0, learning_rate=0.001, batch=128, evaluate_every=25, patience=6),
        description="how it learns from annotations",
    )
    aligning: AligningSpec = Field(AligningSpec(), description="the stage that learns from rewards")
    algorithm: AlgorithmSpec | None = Field(
        None, description="how it learns from rewards; None: as `alignment` says"
    )
    device: DeviceName = Field("auto", description="where to train: auto, cpu or cuda")

    @model_validator(mode="after")
    def _parts_fit(self) -> "ChainJudgeSpec":
        if self.alignment == "agrl" and self.order != "think_first":
            raise ValueError(
                "order == 'answer_first', must be 'think_first' for alignment agrl: the first "
                "verdict guides what follows it, and the grade must follow"
            )
        if not self.verdicts and self.alignment != "sft":
            raise ValueError(
                f"alignment == {self.alignment!r}, must be 'sft' for the grade alone (verdicts = "
                "false)"
            )
        if self.aligning.verifier != "annotations" and self.alignment != "she":
            raise ValueError(
                f"aligning.verifier == {self.aligning.verifier!r}, must be 'annotations' for "
                f"alignment {self.alignment}: she alone rewards each verdict by itself"
            )
        return self

    @property
    def learns(self) -> AlgorithmSpec:
        """How it learns from rewards."""
        if self.algorithm is not None:
            return self.algorithm
        return AlgorithmSpec(**ALGORITHMS[self.alignment])

    @property
    def curriculum(self) -> bool:
        """Whether pairs come from easy to hard while it learns from rewards."""
        chosen = self.aligning.curriculum
        return self.alignment == "she" if chosen is None else chosen

    @property
    def needs_annotations(self) -> str:
        """Why it must have annotated pairs."""
        return "it learns from verdicts alone"

    @property
    def needs_verdicts(self) -> bool:
        """Whether grades alone teach it nothing."""
        return self.verdicts

    def training_seconds(self, pairs: float) -> float:
        """About how long its training takes with so many pairs; for a plan before a run."""
        return 1.8e-3 * (self.made_pairs + pairs) + 35.0 * (self.alignment != "sft")

    @property
    def pair_seconds(self) -> float:
        """About how long it takes to grade a pair."""
        return 1e-4 if self.order == "answer_first" else 4e-4

    def without_steps(self) -> Self:
        """These settings as if no catalogue step were named."""
        return self.model_copy(update={"understanding": ""})

    def code(self) -> tuple[str, ...]:
        """No module of the user's."""
        return ()

    def check(self) -> None:
        """Refuse a model that cannot be read; no weights are loaded."""
        from cqsid.generator.model import backbone_subwords  # heavy, only where it is used

        backbone_subwords(self.model)
