"""Which checkpoint of a candidate is the best: plain frozen values that gate nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.assumptions import Assuming
from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class Contender:
    """One checkpoint, or the candidate itself, on one of the suites that choose.

    ``mean`` and ``difference`` (from the base) are over the cases that choose, ``to_candidate``
    over all held-out cases that every contender answered; it is ``None`` for the candidate. The
    intervals of each kind (95 %) hold for all contenders and suites at once: who lies within is
    tied. ``p_adjusted`` is two-sided and belongs to ``interval``.
    """

    model: str
    step: int | None
    mean: float | None
    difference: float | None
    interval: Interval | None
    p_adjusted: float | None
    to_candidate: float | None
    to_candidate_interval: Interval | None


@dataclass(frozen=True, slots=True)
class CochranTest(Assuming):
    """Cochran's Q of some models on the cases that all of them answered right or wrong.

    ``n`` counts those cases, ``mixed`` the ones on which the models differ. ``method`` says where
    ``p_value`` is from: chi-squared, or with few mixed cases a permutation.
    """

    models: int
    n: int
    mixed: int
    statistic: float
    p_value: float
    method: str


@dataclass(frozen=True, slots=True)
class AnyDifference:
    """Whether the models of one suite differ at all, which chooses and decides nothing.

    ``all_models`` are the base and the contenders, ``contenders`` those alone; over all held-out
    cases with a score of every one of them. ``None`` is not estimable, and ``note`` says why.
    """

    all_models: CochranTest | None
    contenders: CochranTest | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SuiteSelection:
    """One of the suites that choose: all contenders by step, and the chosen one judged.

    ``difference``, ``interval`` and ``p_value`` (two-sided) are those of the chosen one against the
    base, honest of the choice: on ``n_test`` cases that did not choose, or, where there are none,
    on the ``n_dev`` that did, held to all contenders. ``luck`` is the difference that the best
    would show on the cases that choose if none differed from the base. ``excluded`` cases lack an
    answer. ``None`` is not estimable, and ``note`` says why. ``any_difference`` asks if the models
    differ at all.
    """

    suite: str
    contenders: tuple[Contender, ...]
    n_dev: int
    n_test: int
    excluded: int
    difference: float | None
    interval: Interval | None
    p_value: float | None
    luck: float
    note: str = ""
    any_difference: AnyDifference | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The best among a candidate and its checkpoints, by the mean over the suites that choose.

    ``chosen`` is ``None`` where nothing could be compared, and ``note`` says why. ``left_out``
    names the models with too few scores to compete. ``corrected`` is the mean difference of the
    chosen one from the base over the suites, without the luck of the choice; fresh cases need none,
    so it is there with method "simultaneous" only. ``better`` names the checkpoints shown to score
    higher than the candidate on every suite that chooses, ``as_good`` the earliest of those before
    it that are shown not to score lower by the margin on any. ``finding`` says what follows,
    ``assumptions`` what all tests of the choice take for granted.
    """

    method: Literal["split", "simultaneous"]
    chosen: str | None
    step: int | None
    is_candidate: bool
    suites: tuple[SuiteSelection, ...] = ()
    corrected: float | None = None
    corrected_interval: Interval | None = None
    better: tuple[str, ...] = ()
    as_good: str | None = None
    left_out: tuple[str, ...] = ()
    finding: str = ""
    note: str = ""
    assumptions: tuple[str, ...] = ()
