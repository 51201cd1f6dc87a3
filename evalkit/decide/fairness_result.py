"""Whether terms that should not matter are treated alike: frozen values that decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class TermResult:
    """One term: both models' mean scores over the compared templates.

    ``change`` is how its distance from the mean of all terms changed, candidate's minus base's.
    ``interval`` (95 %) holds for all terms at once, ``p_adjusted`` allows for testing them all. All
    three are ``None`` where there are two terms, whose one change the suite's result holds, and
    where they are not estimable.
    """

    term: str
    base: float
    candidate: float
    change: float | None
    interval: Interval | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True)
class FairnessResult:
    """A suite's templates, filled with terms that should make no difference to the score.

    ``term`` and ``template`` are the fields. Compared are ``templates`` with a score of both models
    for every case and every term; ``left_out`` others are incomplete. Templates that share a
    cluster of the suite are one unit, of which there are ``clusters``; ``None`` if each template is
    one of its own. Of two terms ``base`` and ``candidate`` are the first's mean score minus the
    second's, from -1 to 1; of more, the largest mean minus the smallest. Their p-values are of the
    terms permuted within units.

    ``change`` is candidate minus base. Of two terms ``interval`` (95 %) and ``p_value`` are its
    own; of more it has no interval, and ``p_value`` is the smallest ``p_adjusted`` of `TermResult`.

    ``equivalent``: whether the candidate's scores of any two terms are shown to differ by less than
    ``margin``, by two one-sided tests at the policy's alpha; ``worst`` are the two terms that
    decide it, with ``equivalence_p``. "not equivalent" is shown as well; "can't tell" is neither.
    ``None`` is not estimable, and ``note`` says why.
    """

    term: str
    template: str
    margin: float
    terms: tuple[TermResult, ...]
    templates: int
    left_out: int
    clusters: int | None
    base: float | None
    base_p: float | None
    candidate: float | None
    candidate_p: float | None
    change: float | None
    interval: Interval | None
    p_value: float | None
    equivalent: Literal["equivalent", "not equivalent", "can't tell"]
    equivalence_p: float | None
    worst: tuple[str, ...]
    method: str
    assumptions: tuple[str, ...]
    note: str = ""
