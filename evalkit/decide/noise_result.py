"""What changes between two runs of one model: plain frozen values, part of a suite's result."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class Noise:
    """What changes between two runs of the base on one suite, though nothing has changed (A/A).

    ``spread`` is the standard deviation of a case's difference around 0; ``flips`` the share of
    cases whose binary score changed. ``difference``, ``interval`` (95 %), ``p_value`` of the test
    that it inverts and ``p_exact`` beside it ask if the two runs differ on average, which noise
    alone would not make them; ``None`` where only some of the suite's cases were asked twice, or
    it stopped early.
    ``false_regressed`` and ``false_refused`` are the shares of suites drawn from these pairs that
    the gate would call regressed, and would not pass at the suite's margin. ``excess`` is the churn
    between base and candidate less the noise. ``assumptions`` are those of all these figures.
    """

    n: int
    spread: float
    flips: float | None
    flips_interval: Interval | None
    difference: float | None
    interval: Interval | None
    p_value: float | None
    false_regressed: float | None
    false_refused: float | None
    excess: float | None
    excess_interval: Interval | None
    p_exact: float | None = None
    assumptions: tuple[str, ...] = ()
