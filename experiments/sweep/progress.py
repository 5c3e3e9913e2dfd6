"""How far a sweep got: the progress of a run, with the name of its cell."""

from contextlib import AbstractContextManager

from experiments.stages.progress import Bar, Progress


class CellProgress:
    """Passes on what the run of a cell tells, under the number of the cell.

    Args:
        progress: of the sweep.
        place: such as "2/9".
        told: which cell that is, in words; told where a run would tell its own plan.

    Attributes:
        made: whether a stage was made; else all were in the store, and the cell took no time.
    """

    def __init__(self, progress: Progress, place: str, told: str) -> None:
        self._progress, self._place, self._told = progress, place, told
        self.made = False

    def stage(
        self, name: str, *, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Bar]:
        """Show one stage of the cell; those that are kept in the store count units."""
        self.made = self.made or bool(unit)
        return self._progress.stage(self._of(name), total=total, unit=unit)

    def reused(self, name: str) -> None:
        """Tell that a stage was found in the store, of this cell or of another one."""
        self._progress.reused(self._of(name))

    def damaged(self, name: str, damage: str) -> None:
        """Tell that a stage was found damaged."""
        self._progress.damaged(self._of(name), damage)

    def failed(self, name: str, part: str) -> None:
        """Tell that a stage will be made again."""
        self._progress.failed(self._of(name), part)

    def plan(self, text: str) -> None:
        """Tell which cell begins; the plan of the sweep has been told."""
        self._progress.plan(f"cell {self._place}: {self._told}")

    def line(self, what: str, name: str, text: str) -> None:
        """Pass on a line."""
        self._progress.line(what, self._of(name), text)

    def _of(self, name: str) -> str:
        return f"{self._place} {name}"
