"""The record of a study: every test asked every question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from experiments.inference.randomised.byexposure import CTR
from experiments.inference.randomised.redrawn import Redrawn
from experiments.operating.questions import (
    Asked,
    Target,
    estimand,
    with_effect,
    without_effect,
)
from experiments.operating.rates import MONTE_CARLO
from experiments.operating.redraws import Redraws
from experiments.operating.repeated import Repeated
from experiments.operating.study import Study, name_of
from experiments.operating.targets import Targets
from experiments.operating.verdicts import judged
from experiments.records.experiment.operating import (
    By,
    Characteristic,
    Estimand,
    Operating,
    PValues,
)

EXPOSURES = "exposures"
"""The unit of the test that is known to be wrong."""


@dataclass
class Answers:
    """What has been answered so far.

    Attributes:
        study: what is studied.
        rows, estimands, histograms: of the record; rows are not judged yet.
        missing: what could not be asked, a sentence each.
        untold: by metric, the designs that cannot tell it.
    """

    study: Study
    rows: list[Characteristic] = field(default_factory=list)
    estimands: list[Estimand] = field(default_factory=list)
    histograms: list[PValues] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    untold: dict[str, list[str]] = field(default_factory=dict)

    def redrawn(self, design: str, unit: str, made: Redraws, targets: Targets) -> None:
        """Add the tests of one pair of worlds."""
        self.missing += [made.missing] if made.missing else []
        for metric in made.untold:
            self.untold.setdefault(metric, []).append(design)
        names = [each.name for each in made.metrics]
        self._without(design, unit, "redraws", names, made.aa)
        self._by_exposure(design, "redraws", made.by_exposure)
        if made.ab is not None:
            self._with(design, unit, "redraws", names, made.ab, targets.of_redraws)

    def lived(
        self, design: str, unit: str, aa: Redrawn, ab: Redrawn, exposed: Redrawn | None, to: Targets
    ) -> None:
        """Add the tests of experiments with luck of their own.

        Args:
            design, unit: of the config.
            aa, ab: their tests.
            exposed: A/A tests by exposure; None where shoppers are not split.
            to: what the A/B tests should find.
        """
        self._without(design, unit, "worlds", aa.metrics, aa)
        self._by_exposure(design, "worlds", exposed)
        self._with(design, unit, "worlds", ab.metrics, ab, to.of_worlds)

    def _asked(self, design: str, unit: str, by: By, metric: str) -> Asked:
        confidence = self.study.config.analysis.confidence
        return Asked(design, metric, unit, by, confidence, known_fault=unit == EXPOSURES)

    def _without(self, design: str, unit: str, by: By, names: Sequence[str], made: Redrawn) -> None:
        for name in names:
            asked, tests = self._asked(design, unit, by, name), Repeated.of(made, name)
            self._note(design, by, name, tests)
            self.rows += without_effect(asked, tests)
            self.histograms.append(asked.histogram("aa", tests))

    def _by_exposure(self, design: str, by: By, made: Redrawn | None) -> None:
        if made is not None:
            self._without(design, EXPOSURES, by, [CTR.name], made)

    def _with(
        self,
        design: str,
        unit: str,
        by: By,
        names: Sequence[str],
        made: Redrawn,
        target: Callable[[str], Target],
    ) -> None:
        for name in names:
            asked, tests = self._asked(design, unit, by, name), Repeated.of(made, name)
            self._note(design, by, name, tests)
            self.rows += with_effect(asked, tests, target(name))
            self.estimands.append(estimand(asked, tests, target(name)))
            self.histograms.append(asked.histogram("ab", tests))

    def _note(self, design: str, by: By, name: str, tests: Repeated) -> None:
        lost = tests.asked - len(tests)
        if lost:
            self.missing.append(
                f"{design}, {name}: {lost} of {tests.asked} tests by {by} have no estimate and are "
                "left out."
            )

    def record(self, targets: Targets) -> Operating:
        """All of them, judged together."""
        study, config = self.study, self.study.config
        untold = [
            f"{metric} is no sum over what is split by {', '.join(designs)}: not asked there."
            for metric, designs in self.untold.items()
        ]
        missing = (*study.missing, *untold, *self.missing, *targets.warnings)
        return Operating(
            name=config.name,
            confidence=config.analysis.confidence,
            monte_carlo=MONTE_CARLO,
            design=name_of(config.design),
            primary=config.analysis.primary,
            control=config.control,
            treatment=study.treatment,
            days=config.world.days,
            redraws=study.redraws,
            worlds=study.worlds,
            truth_pairs=config.truth.seeds,
            rows=judged(self.rows),
            estimands=tuple(self.estimands),
            p_values=tuple(self.histograms),
            missing=tuple(dict.fromkeys(missing)),
        )
