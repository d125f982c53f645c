"""Readings, and what follows from them: pairs, medians, ratios and verdicts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from attrs import frozen

#: What one contender measured in one repetition, by name of the quantity.
Reading = Mapping[str, float]


@frozen
class Spread:
    """The middle and the ends of some figures."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """:raises ValueError: there are no figures"""
        return cls(median(figures), min(figures), max(figures))


@frozen
class Target:
    """What the median ratio is wanted to be: at least or at most ``ratio``, itself included."""

    ratio: float
    is_floor: bool

    def is_met_by(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.is_floor else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{'>=' if self.is_floor else '<='} {self.ratio:g}"


def at_least(ratio: float) -> Target:
    return Target(ratio, is_floor=True)


def at_most(ratio: float) -> Target:
    return Target(ratio, is_floor=False)


@frozen(kw_only=True)
class Row:
    """A line of the table: one quantity of a subject, divided by that of its peer.

    Subject and peer are names of contenders of the contest; one of both is RunWisp.
    """

    name: str
    title: str
    contest: str
    subject: str
    peer: str
    quantity: str
    unit: str
    target: Target


@frozen(kw_only=True)
class Result:
    """A measured row; the ratios are those of the repetitions, not that of the medians."""

    row: Row
    subject: Spread
    peer: Spread
    ratio: Spread
    repetitions: int

    @property
    def is_met(self) -> bool:
        return self.row.target.is_met_by(self.ratio.median)


@frozen
class Unmeasured:
    """A row without figures, and why."""

    row: Row
    reason: str


def judge(row: Row, subject: Sequence[Reading], peer: Sequence[Reading]) -> Result:
    """The result of ``row`` from the readings of both sides, one of each per repetition.

    :raises ValueError: the sides have different numbers of readings, or none
    """
    ours = [reading[row.quantity] for reading in subject]
    theirs = [reading[row.quantity] for reading in peer]
    return Result(
        row=row,
        subject=Spread.of(ours),
        peer=Spread.of(theirs),
        ratio=Spread.of([mine / yours for mine, yours in zip(ours, theirs, strict=True)]),
        repetitions=len(ours),
    )
