"""Trainings tell their figures to whoever listens, and to nobody else."""

from collections.abc import Mapping

import pytest

from simulator.curves import Curve, heard_by


class Kept:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.told: list[tuple[int, dict[str, float]]] = []
        self.closed = 0

    def begin(self, name: str, taken: int) -> "Kept":
        self.begun.append((name, taken))
        return self

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        self.told.append((step, dict(scalars)))

    def close(self) -> None:
        self.closed += 1


class Costly:
    """A figure that must not be read."""

    def __float__(self) -> float:
        raise AssertionError("was read")


def test_a_listener_hears_every_figure_and_the_end() -> None:
    kept = Kept()
    with heard_by(kept.begin), Curve("towers") as curve:
        curve.tell(1, {"train/loss": 3})
        curve.tell(2, {"train/loss": 2.5, "eval/loss": 2.75})
        assert not kept.closed
    assert kept.begun == [("towers", 0)]
    assert kept.told == [(1, {"train/loss": 3.0}), (2, {"train/loss": 2.5, "eval/loss": 2.75})]
    assert kept.closed == 1


def test_where_nobody_listens_no_figure_is_read() -> None:
    kept = Kept()
    with Curve("towers") as curve, heard_by(kept.begin):
        curve.tell(1, {"train/loss": Costly()})
    with Curve("towers") as curve:
        curve.tell(1, {"train/loss": Costly()})
    assert not kept.begun


def test_a_training_that_goes_on_says_how_far_it_was() -> None:
    kept = Kept()
    with heard_by(kept.begin), Curve("item") as curve:
        curve.tell(8, {"train/loss": 1.0})
    assert kept.begun == [("item", 7)]


def test_a_training_without_a_step_is_not_heard() -> None:
    kept = Kept()
    with heard_by(kept.begin), Curve("item"):
        pass
    assert not kept.begun
    assert not kept.closed


def test_a_training_that_fails_is_closed_too() -> None:
    kept = Kept()
    with pytest.raises(AssertionError), heard_by(kept.begin), Curve("item") as curve:
        curve.tell(1, {"train/loss": Costly()})
    assert kept.closed == 1
