"""Graders made of graders: `all`, `any`, `not`, `weighted` and `multi`.

The inner ones have been made before; ``detail`` of the outer grade holds theirs by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.graders.base import Grader, OptionError, UngradableError, clip
from evalkit.graders.formula import check_score, parse_formula
from evalkit.model import Case, Grade, Graded, GraderSpec, Reply, Ungraded

PASS_FROM = 0.5

Inner = Mapping[str, Grader]
Grades = Mapping[str, Graded]


@dataclass(frozen=True, slots=True)
class ComposedGrader:
    """Grades by all ``inner`` graders; ``combine`` makes (score, passed) of their grades.

    ``combine`` raises `UngradableError` if it needs a grade that is not there.
    """

    inner: Inner
    combine: Callable[[Grades], tuple[float, bool]]

    def grade(self, case: Case, reply: Reply) -> Graded:
        """Return the combined grade, or which inner one is missing."""
        grades = {name: grader.grade(case, reply) for name, grader in self.inner.items()}
        try:
            score, passed = self.combine(grades)
        except UngradableError as error:
            return Ungraded(str(error))
        reason = "" if passed else "; ".join(_told(grades))
        return Grade(score, passed, clip(reason), {n: _shown(g) for n, g in grades.items()})

    def lacks(self, case: Case) -> str:
        """Return what the first inner grader lacks, with its name."""
        found = ((name, grader.lacks(case)) for name, grader in self.inner.items())
        return next((f"{name}: {why}" for name, why in found if why), "")


def all_of(_spec: GraderSpec, inner: Inner) -> ComposedGrader:
    """Pass if all pass; the score is the lowest."""
    return ComposedGrader(inner, lambda grades: _extreme(grades, passed=False))


def any_of(_spec: GraderSpec, inner: Inner) -> ComposedGrader:
    """Pass if one passes; the score is the highest."""
    return ComposedGrader(inner, lambda grades: _extreme(grades, passed=True))


def none_of(_spec: GraderSpec, inner: Inner) -> ComposedGrader:
    """Pass if the only inner grader does not; the score is one minus its."""

    def combine(grades: Grades) -> tuple[float, bool]:
        [grade] = _all_graded(grades)
        return 1.0 - grade.score, not grade.passed

    return ComposedGrader(inner, combine)


def weighted(spec: GraderSpec, inner: Inner) -> ComposedGrader:
    """Score by the weighted mean, ``weights`` by name; pass from ``threshold`` on."""
    weights: Mapping[str, float] = spec.options["weights"]
    if set(weights) != set(inner):
        got = "weights for " + ", ".join(weights)
        instead = "weights: {" + ", ".join(f"{name}: 1" for name in inner) + "}"
        raise OptionError("a weight for each inner grader, by its name", got=got, instead=instead)
    whole = sum(weights.values())
    threshold = _threshold(spec)

    def combine(grades: Grades) -> tuple[float, bool]:
        _all_graded(grades)
        parts = (weights[n] * g.score for n, g in grades.items() if isinstance(g, Grade))
        score = min(sum(parts) / whole, 1.0)
        return score, score >= threshold

    return ComposedGrader(inner, combine)


def multi(spec: GraderSpec, inner: Inner) -> ComposedGrader:
    """Score by a formula over the inner graders, as a suite's ``score``; pass from ``threshold``.

    An inner grade that the formula does not come to need may be missing.
    """
    formula = parse_formula(spec.options["formula"])
    for fault in check_score(formula.text, list(inner), spec.source):
        raise OptionError(fault.needed, got=fault.got, instead=fault.instead)
    threshold = _threshold(spec)

    def combine(grades: Grades) -> tuple[float, bool]:
        score = formula.score(grades)
        if score is None:
            missing = _missing(grades) or ["no score from 0 to 1"]
            raise UngradableError("; ".join(missing))
        return score, score >= threshold

    return ComposedGrader(inner, combine)


def _threshold(spec: GraderSpec) -> float:
    return float(spec.options.get("threshold", PASS_FROM))


def _extreme(grades: Grades, *, passed: bool) -> tuple[float, bool]:
    """Return what `all` (``passed`` false) or `any` makes of grades.

    One grade at the end of the scale decides, whatever a missing one would have been.
    """
    graded = [grade for grade in grades.values() if isinstance(grade, Grade)]
    decides = any(g.passed is passed and g.score == float(passed) for g in graded)
    if not decides:
        _all_graded(grades)
    score = (max if passed else min)(grade.score for grade in graded)
    return score, any(g.passed for g in graded) if passed else all(g.passed for g in graded)


def _all_graded(grades: Grades) -> Sequence[Grade]:
    missing = _missing(grades)
    if missing:
        raise UngradableError(missing[0])
    return [grade for grade in grades.values() if isinstance(grade, Grade)]


def _missing(grades: Grades) -> list[str]:
    return [f"{name}: {grade.why}" for name, grade in grades.items() if isinstance(grade, Ungraded)]


def _told(grades: Grades) -> list[str]:
    """Return the reasons of inner grades that did not pass."""
    return [
        f"{name}: {grade.reason or 'failed'}"
        for name, grade in grades.items()
        if isinstance(grade, Grade) and not grade.passed
    ]


def _shown(grade: Graded) -> dict[str, Any]:
    if isinstance(grade, Ungraded):
        return {"ungraded": grade.why}
    return {"score": grade.score, "passed": grade.passed, "reason": grade.reason}
