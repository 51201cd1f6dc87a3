"""Several samples of a case: where the uncertainty comes from, what more buys, who regressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.decide.decision import (
    Interval,
    NextPurchase,
    PassRates,
    RegressedCase,
    RegressedCases,
    RepeatedSamples,
    VarianceParts,
)
from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.judged import judgements
from evalkit.decide.reading import READING_LEVEL
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.paired import compare, is_binary
from evalkit.stats.pass_at_k import PairedPasses, Passing, paired_passes
from evalkit.stats.regressed_cases import METHOD as CASE_BY_CASE
from evalkit.stats.regressed_cases import Successes, regressed_cases
from evalkit.stats.repeats import Components, Repeats, advise, paired_components, repeats
from evalkit.stats.values import NotEstimable, Procedure

CASE_COST = 10.0
"""What it costs to write, label and check a new case, in samples; its own samples come on top.

Low for cases written by hand, and on purpose: a new case also widens what the suite speaks about,
which a new sample never does.
"""

REGRESSED_RATE = 0.1
"""The false discovery rate of the list of cases that regressed."""

_PASSING: tuple[Passing, ...] = ("any", "all")
_WATCHED = "judged while asked, so no interval for a number of cases fixed in advance"
_WATCHED_CASES = "judged while asked, so the answers chose how many cases were tested"


def repeats_of(part: SuiteEvidence, *, rng: np.random.Generator) -> RepeatedSamples | None:
    """Return what the samples of a suite's compared cases show; ``None`` if each has one."""
    pairs = part.heldout
    if pairs.samples is None:
        return None
    base, candidate = _judged(part) or (repeats(m.score, m.case) for m in pairs.samples)
    found = paired_components(base, candidate, clusters=pairs.clusters)
    known = None if isinstance(found, NotEstimable) else found
    passes = tuple(_passes(part, base, candidate, rng=rng))
    regressed = _regressed(part)
    return RepeatedSamples(
        base_samples=base.typical,
        candidate_samples=candidate.typical,
        variance=variance_parts(known) if known else None,
        next_purchase=next_purchase(known) if known else None,
        passes=passes,
        note=found.why if isinstance(found, NotEstimable) else "",
        regressed=regressed,
        assumptions=assumptions_of(
            *([known.method] if known else ()),
            *(name for rate in passes for name in _names(rate)),
            *([CASE_BY_CASE] if regressed and regressed.tested else ()),
            clustered=pairs.clusters is not None,
        ),
    )


def _judged(part: SuiteEvidence) -> tuple[Repeats, Repeats] | None:
    """Return each model's samples with a row a verdict, where the score is one judge's alone."""
    judged = part.judged
    name = next((n for n in judged.graders if judged.is_score(n)), "") if judged else ""
    if judged is None or not name:
        return None
    place = {case: i for i, case in enumerate(part.heldout.ids)}
    base, candidate = (
        [
            (score, place[record.case], record.sample)
            for record in judged.answers
            if record.model == model and record.case in place
            for score in judgements(record.grades.get(name))
        ]
        for model in (judged.pair.base, judged.pair.candidate)
    )
    return _by_verdict(base), _by_verdict(candidate)


def _by_verdict(rows: Sequence[tuple[float, int, int]]) -> Repeats:
    scores, cases, samples = zip(*rows, strict=True)
    return repeats(scores, cases, samples=samples)


def _names(rates: PassRates) -> tuple[str, ...]:
    return (rates.measure, rates.interval.method) if rates.interval else (rates.measure,)


def variance_parts(found: Components) -> VarianceParts:
    """Return the variance of the mean in parts, scaled so that they add up to it.

    Scaled they have to be where K differs between cases, or where samples scatter more than the
    cases' differences do, which leaves no variance for the cases.
    """
    total = found.estimate.standard_error**2
    noise = sum(model.judged / model.samples for model in found.noise)
    scale = found.share * total / noise if noise else 0.0
    base, candidate = (scale * model.sampling / model.samples for model in found.noise)
    judged = any(model.judge is not None for model in found.noise)
    return VarianceParts(
        cases=(1 - found.share) * total,
        base=base,
        candidate=candidate,
        judge=max(found.share * total - base - candidate, 0.0) if judged else None,
        removable=found.share,
    )


def next_purchase(found: Components) -> NextPurchase:
    """Return what to buy next at `CASE_COST`."""
    advice = advise(found, case_cost=CASE_COST)
    base, candidate = advice.samples or (None, None)
    return NextPurchase(advice.buy, base, candidate, advice.saving, CASE_COST)


def _regressed(part: SuiteEvidence) -> RegressedCases | None:
    """Return which cases regressed by their samples; ``None`` if none has several of each model."""
    models = part.heldout.samples or ()
    counts = [np.bincount(model.case) for model in models]
    if not np.any(np.minimum(*counts) > 1):
        return None
    if part.watched or not is_binary(*(model.score for model in models)):
        why = _WATCHED_CASES if part.watched else "a sample scores between right and wrong"
        return RegressedCases((), 0, 0, REGRESSED_RATE, why)
    right = [np.bincount(model.case, weights=model.score) for model in models]
    found = regressed_cases(*map(Successes, right, counts), rate=REGRESSED_RATE)
    if isinstance(found, NotEstimable):
        return RegressedCases((), 0, 0, REGRESSED_RATE, found.why)
    return RegressedCases(
        cases=tuple(
            RegressedCase(
                case=part.heldout.ids[i],
                base_right=int(right[0][i]),
                base_samples=int(counts[0][i]),
                candidate_right=int(right[1][i]),
                candidate_samples=int(counts[1][i]),
                p_value=float(found.p_values[i]),
                p_adjusted=float(found.adjusted[i]),
            )
            for i in found.indices.tolist()
        ),
        tested=found.tested,
        unreachable=found.unreachable,
        rate=found.rate,
    )


def _passes(
    part: SuiteEvidence, base: Repeats, candidate: Repeats, *, rng: np.random.Generator
) -> Iterator[PassRates]:
    """Yield both pass rates at the most samples that a case has of both models."""
    k = int(np.minimum(base.samples, candidate.samples).max())
    scores = [model.score for model in part.heldout.samples or ()]
    if k > 1 and is_binary(*scores):
        for passing in _PASSING:
            found = paired_passes(base, candidate, k=k, passing=passing)
            yield _rates(part, found, rng=rng)


def _rates(part: SuiteEvidence, found: PairedPasses, *, rng: np.random.Generator) -> PassRates:
    labels = part.heldout.clusters
    clusters = None if labels is None else labels[found.cases]
    compared = compare(found.base, found.candidate, clusters=clusters, rng=rng)
    procedure = NotEstimable(_WATCHED) if part.watched else compared.procedure
    interval, p_value, note = _limits(procedure)
    return PassRates(
        measure=found.method,
        k=found.k,
        n=compared.n,
        dropped=found.dropped,
        base=compared.base_mean,
        candidate=compared.candidate_mean,
        difference=compared.difference,
        interval=interval,
        p_value=p_value,
        note=note,
    )


def _limits(procedure: Procedure | NotEstimable) -> tuple[Interval | None, float | None, str]:
    """Return the interval, the p-value that belongs to it, and why one is missing."""
    if isinstance(procedure, NotEstimable):
        return None, None, procedure.why
    interval, p_value = procedure.interval(level=READING_LEVEL), procedure.p_value().value
    if isinstance(interval, NotEstimable):
        return None, p_value, interval.why
    return interval, p_value, ""
