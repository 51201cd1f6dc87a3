"""What is told of a suite's cases together, beside the mean: frozen values that decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric of both models on the ``n`` held-out cases that ``grader`` graded for both.

    ``label`` is the one that precision, recall and F1 of a label are about, else empty; ``n`` then
    counts the cases that have it.
    ``difference`` is candidate minus base, ``better`` says which way is good. Intervals are for
    reading (95 %); ``p_value`` is two-sided, of the two models' names swapped within cases (for the
    Brier score of the test that the interval inverts, for the calibration error of a bootstrap),
    and not corrected for the number of metrics.
    ``None`` is not estimable, and ``note`` says why.
    """

    name: str
    grader: str
    label: str
    better: Literal["higher", "lower"]
    n: int
    base: float | None
    base_interval: Interval | None
    candidate: float | None
    candidate_interval: Interval | None
    difference: float | None
    interval: Interval | None
    p_value: float | None
    method: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many cases of each expected label got which answer, by ``grader``.

    A row of ``base`` and ``candidate`` is an expected label, a column an answered one, in the order
    of ``labels``; the last column counts answers that name none. Samples of a case share its 1.
    """

    grader: str
    labels: tuple[str, ...]
    base: tuple[tuple[float, ...], ...]
    candidate: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class SuiteMetrics:
    """All metrics of a suite; ``assumptions`` say in sentences what their methods need."""

    metrics: tuple[MetricResult, ...]
    confusions: tuple[Confusion, ...]
    assumptions: tuple[str, ...]
