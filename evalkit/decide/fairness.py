"""Whether terms that should not matter are treated alike, and what the candidate changed of it.

It stands beside the verdict and decides nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.fairness_result import FairnessResult, TermResult
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.seeds import generator
from evalkit.decide.swaps import Swaps
from evalkit.stats.assumptions import CASES, CLUSTERS, UNITS, assumptions_of
from evalkit.stats.fairness import (
    SMALLEST,
    deviation_changes,
    difference_change,
    term_gap,
    terms_equivalent,
)
from evalkit.stats.values import Interval, NotEstimable, PValue

_WATCHED = "judged while asked, so no interval or test for a number of cases fixed in advance"
_UNITS = frozenset({CASES, CLUSTERS, UNITS})
"""Said of cases; here templates are the units, which the assumptions of the permutation say."""


def fairness_result(part: SuiteEvidence, *, alpha: float) -> FairnessResult | None:
    """Return how the terms of a suite are treated; ``None`` where it names none."""
    swaps = part.swaps
    if swaps is None:
        return None
    nothing = _nothing(swaps)
    n, k = swaps.base.shape
    if k < 2 or not n:
        why = "no template is complete for both models" if k > 1 else "there are not two terms"
        return replace(nothing, note=why)
    means = zip(swaps.terms, swaps.base.mean(axis=0), swaps.candidate.mean(axis=0), strict=True)
    terms = tuple(TermResult(t, float(b), float(c), None, None, None) for t, b, c in means)
    found = _figures(replace(nothing, terms=terms))
    if part.watched:
        return replace(found, note=_WATCHED)
    rng = generator("fairness", part.suite.name)
    found = _gaps(found, swaps, rng=rng)
    found = (_of_two if k == 2 else _of_more)(found, swaps, rng=rng)
    found = _equivalence(found, swaps, alpha=alpha, rng=rng)
    said = assumptions_of(found.method)
    return replace(found, assumptions=tuple(s for s in said if s not in _UNITS))


def _nothing(swaps: Swaps) -> FairnessResult:
    return FairnessResult(
        term=swaps.asked.term,
        template=swaps.asked.template,
        margin=swaps.asked.margin,
        terms=(),
        templates=len(swaps.base),
        left_out=swaps.left_out,
        clusters=None if swaps.clusters is None else len(np.unique(swaps.clusters)),
        base=None,
        base_p=None,
        candidate=None,
        candidate_p=None,
        change=None,
        interval=None,
        p_value=None,
        equivalent="can't tell",
        equivalence_p=None,
        worst=(),
        method="",
        assumptions=(),
    )


def _figures(found: FairnessResult) -> FairnessResult:
    """Return it with the differences of the terms' means."""
    base, candidate = (
        side[0] - side[1] if len(side) == 2 else max(side) - min(side)
        for side in ([t.base for t in found.terms], [t.candidate for t in found.terms])
    )
    units, noun = found.templates, "templates"
    if found.clusters is not None:
        units, noun = found.clusters, "clusters of templates"
    few = f"{units} {noun} are fewer than {SMALLEST}: too few to show shares"
    if found.clusters == 1:
        few = "all templates are in one cluster, two are needed"
    return replace(
        found,
        base=base,
        candidate=candidate,
        change=candidate - base,
        note=few if units < SMALLEST else "",
    )


def _gaps(found: FairnessResult, swaps: Swaps, *, rng: np.random.Generator) -> FairnessResult:
    base, candidate = (
        term_gap(table, clusters=swaps.clusters, rng=rng).p_value
        for table in (swaps.base, swaps.candidate)
    )
    return replace(
        found,
        base_p=_value(base),
        candidate_p=_value(candidate),
        method=base.method if isinstance(base, PValue) else "",
    )


def _of_two(found: FairnessResult, swaps: Swaps, *, rng: np.random.Generator) -> FairnessResult:
    change = difference_change(
        swaps.base, swaps.candidate, first=0, second=1, clusters=swaps.clusters, rng=rng
    )
    if isinstance(change.procedure, NotEstimable):
        return replace(found, note=found.note or change.procedure.why)
    return replace(
        found,
        interval=_limits(change.procedure.interval(level=READING_LEVEL)),
        p_value=change.procedure.p_value().value,
        method=f"{found.method}; {change.procedure.method}",
    )


def _of_more(found: FairnessResult, swaps: Swaps, *, rng: np.random.Generator) -> FairnessResult:
    moved = deviation_changes(swaps.base, swaps.candidate, clusters=swaps.clusters, rng=rng)
    terms = tuple(
        replace(
            term,
            change=each.estimate,
            interval=_limits(each.interval(level=READING_LEVEL)),
            p_adjusted=_value(each.adjusted),
        )
        for term, each in zip(found.terms, moved, strict=True)
    )
    tested = [each.adjusted for each in moved if isinstance(each.adjusted, PValue)]
    if not tested:
        why = [each.adjusted.why for each in moved if isinstance(each.adjusted, NotEstimable)]
        return replace(found, terms=terms, note=found.note or why[0])
    used = [t.interval.method for t in terms if t.interval]
    return replace(
        found,
        terms=terms,
        p_value=min(p.value for p in tested),
        method="; ".join(dict.fromkeys([found.method, *(p.method for p in tested), *used])),
    )


def _equivalence(
    found: FairnessResult, swaps: Swaps, *, alpha: float, rng: np.random.Generator
) -> FairnessResult:
    shown = terms_equivalent(
        swaps.candidate, margin=found.margin, alpha=alpha, clusters=swaps.clusters, rng=rng
    )
    p = shown.p_value
    return replace(
        found,
        equivalent=shown.verdict,
        equivalence_p=_value(p),
        worst=tuple(swaps.terms[at] for at in shown.worst or ()),
        method=f"{found.method}; {p.method}" if isinstance(p, PValue) else found.method,
        note=found.note or (p.why if isinstance(p, NotEstimable) else ""),
    )


def _value(p: PValue | NotEstimable) -> float | None:
    return p.value if isinstance(p, PValue) else None


def _limits(interval: Interval | NotEstimable) -> Interval | None:
    return None if isinstance(interval, NotEstimable) else interval
