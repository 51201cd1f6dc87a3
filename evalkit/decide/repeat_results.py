"""What asking each case more than once shows: plain frozen values, part of a suite's result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class VarianceParts:
    """The variance of a suite's mean difference, taken apart; the parts add up to it.

    ``cases`` is due to which cases the suite holds, ``base`` and ``candidate`` to how each model's
    samples of one case scatter, ``judge`` to how judgements of one sample do: ``None`` where none
    was judged twice, and the other two hold that as well. By the method of moments [Miller 2024,
    arXiv:2411.00640]: estimates, for planning alone. ``removable`` is the share that ever more
    samples of the same cases would remove.
    """

    cases: float
    base: float
    candidate: float
    judge: float | None
    removable: float


@dataclass(frozen=True, slots=True)
class NextPurchase:
    """What to spend on next: new cases, or more samples of these.

    ``base_samples`` and ``candidate_samples`` a case give the least variance for the money where a
    new case costs ``case_cost`` samples beside its own; ``None`` where cases do not differ but by
    noise, so that no number is too many. ``saving`` is the part of the cost that is saved by going
    there at equal variance.
    """

    buy: Literal["cases", "samples"]
    base_samples: int | None
    candidate_samples: int | None
    saving: float
    case_cost: float


@dataclass(frozen=True, slots=True)
class PassRates:
    """How often any of ``k`` samples of a case is right (pass@k), or all are (pass^k).

    ``measure`` says which: "pass@3", "pass^3". Unbiased for each case, then means over the ``n``
    cases with k graded samples of each model; ``dropped`` compared cases have fewer. ``interval``
    is for reading (95 %) and ``p_value`` belongs to the test that it inverts, two-sided; they
    decide nothing. ``None`` is not estimable, and ``note`` says why.
    """

    measure: str
    k: int
    n: int
    dropped: int
    base: float | None
    candidate: float | None
    difference: float | None
    interval: Interval | None
    p_value: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class RegressedCase:
    """A case that the candidate gets right less often than the base, by its samples alone.

    ``base_right`` of ``base_samples`` graded ones are right, and likewise of the candidate.
    ``p_value`` is that of Fisher's exact test, one-sided; ``p_adjusted`` allows for all tested
    cases of the suite (Benjamini-Hochberg).
    """

    case: str
    base_right: int
    base_samples: int
    candidate_right: int
    candidate_samples: int
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class RegressedCases:
    """Which cases regressed, the surest first; they decide nothing.

    Of the cases listed a share of ``rate`` at most is there by chance, on average over suites like
    this one. ``tested`` cases could be listed by their samples; ``unreachable`` ones could not,
    however the right answers had fallen. That a case is not listed does not show that it held.
    """

    cases: tuple[RegressedCase, ...]
    tested: int
    unreachable: int
    rate: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class RepeatedSamples:
    """One suite of which a case has several samples of one model at least.

    ``base_samples`` and ``candidate_samples`` are the harmonic means of the graded samples a
    compared case. ``variance`` and ``next_purchase`` are ``None`` where the samples' spread cannot
    be told, and ``note`` says why. ``passes`` are there where every sample scores 0 or 1.
    ``regressed`` is there where a case has several samples of both models. ``assumptions`` say in
    sentences what all of this takes for granted.
    """

    base_samples: float
    candidate_samples: float
    variance: VarianceParts | None
    next_purchase: NextPurchase | None
    passes: tuple[PassRates, ...] = ()
    note: str = ""
    regressed: RegressedCases | None = None
    assumptions: tuple[str, ...] = ()
