"""Each judge of a suite: how steady it is, whether people agree with it, what that changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.decide.decision import Interval, SuiteResult, Verdict
from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.judge_result import (
    Corrected,
    JudgeNoise,
    JudgeResult,
    NoVerdict,
    PeopleAgreement,
    PlaceBias,
)
from evalkit.decide.judged import JudgedSuite, PersonAndJudge, judgements
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.rules import AppliedRule
from evalkit.decide.seeds import generator
from evalkit.decide.tabulate import cluster_labels
from evalkit.decide.verdict import exceeds, verdict_of
from evalkit.graders.judge.base import JudgeGrader, kind_of
from evalkit.model import Grade, Ungraded
from evalkit.stats.agreement import ChanceCorrected, agreement, agreement_table
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.clusters import spread_of
from evalkit.stats.judge_correction import Labelled, Unlabelled, prediction_powered
from evalkit.stats.paired import compare, paired_units
from evalkit.stats.paired_scores import Estimate
from evalkit.stats.pairwise import position_bias
from evalkit.stats.values import NotEstimable, Procedure

FEW_LABELLED = 10
"""Cases with both labels from which a correction is made: with fewer its limits were not tried."""

TIE = 0.5
_WATCHED = "judged while asked, so no interval for a number of cases fixed in advance"


@dataclass(frozen=True, slots=True)
class _Judge:
    """One grader with all that it graded, and the suite's result."""

    name: str
    judged: JudgedSuite
    part: SuiteEvidence
    result: SuiteResult

    @property
    def is_score(self) -> bool:
        return self.judged.is_score(self.name)

    @property
    def of_pairs(self) -> bool:
        return self.judged.graders[self.name].against_base

    @property
    def on_scale(self) -> bool:
        """Whether its scores mean what people's do: a cosine is no judgement of how good."""
        return isinstance(self.judged.graders[self.name], JudgeGrader)


def judge_results(
    part: SuiteEvidence, result: SuiteResult, *, rule: AppliedRule, alpha: float
) -> tuple[JudgeResult, ...]:
    """Return what is known of each judge of the suite of ``result``, in the suite's order."""
    judged = part.judged
    names = judged.graders if judged else ()
    judges = [_Judge(name, judged, part, result) for name in names] if judged else []
    return tuple(_result(judge, rule, alpha=alpha) for judge in judges)


def _result(judge: _Judge, rule: AppliedRule, *, alpha: float) -> JudgeResult:
    grades = [grade for _, grade in judge.judged.graded(judge.name)]
    given = [grade for grade in grades if isinstance(grade, Grade)]
    lacking = Counter(kind_of(grade) for grade in grades if isinstance(grade, Ungraded))
    labelled, stale = judge.judged.labelled(judge.name)
    people = _people(judge, labelled, stale) if labelled or stale else None
    return JudgeResult(
        grader=judge.name,
        asked_as=judge.judged.asked_as.get(judge.name, ""),
        answered_as=tuple(sorted({n for g in given for n in g.detail.get("judges", ()) if n})),
        judged=len(given),
        no_verdict=tuple(NoVerdict(why, n) for why, n in sorted(lacking.items())),
        noise=_noise(judge),
        position=_position(judge),
        people=people,
        corrected=_corrected(judge, labelled, rule, alpha=alpha)
        if people and judge.is_score and judge.on_scale
        else None,
    )


def _noise(judge: _Judge) -> JudgeNoise | None:
    """Return the spread of repeated verdicts, pooled over both models' answers."""
    scores = [judgements(grade) for _, grade in judge.judged.graded(judge.name)]
    spreads = [float(np.var(times, ddof=1)) for times in scores if len(times) > 1]
    if not spreads:
        return None
    pooled = sum(spreads) / len(spreads)
    share = _share(judge, pooled) if judge.is_score else None
    return JudgeNoise(math.sqrt(pooled), len(spreads), share)


def _share(judge: _Judge, pooled: float) -> float | None:
    """Return the judge's part of the variance of the mean difference, of which it is estimated.

    The suite's own ``variance`` is for planning: in thin suites it is that around no difference.
    """
    pairs = judge.part.heldout
    if not pairs.n:
        return None
    noise = _per_case(judge) * pooled
    units = paired_units(pairs.base, pairs.candidate, clusters=pairs.clusters)
    found = spread_of(units, method="")
    total = 0.0 if isinstance(found, NotEstimable) else found.standard_error**2 * pairs.n
    if not noise:
        return 0.0
    return min(noise / total, 1.0) if total else None


def _per_case(judge: _Judge) -> float:
    """Return the variance of a case's difference for a variance of 1 of single verdicts."""
    weights: dict[tuple[str, str], list[float]] = {}
    for record, grade in judge.judged.graded(judge.name):
        if times := len(judgements(grade)):
            weights.setdefault((record.case, record.model), []).append(1 / times)
    cases = len({case for case, _ in weights})
    return sum(sum(w) / len(w) ** 2 for w in weights.values()) / cases if cases else 0.0


def _position(judge: _Judge) -> PlaceBias | None:
    """Return the bias of a judge that saw pairs in both orders, at first the candidate first."""
    grader = judge.judged.graders[judge.name]
    if not isinstance(grader, JudgeGrader) or not grader.against_base:
        return None
    by_case: dict[str, list[tuple[float, float]]] = {}
    for record, grade in judge.judged.graded(judge.name):
        verdicts = grade.detail.get("verdicts", ()) if isinstance(grade, Grade) else ()
        for once in verdicts:
            scores = [s for verdict in once if (s := grader.scale.score(verdict)) is not None]
            if len(scores) == 2:
                by_case.setdefault(record.case, []).append((1 - scores[1], scores[0]))
    if not by_case:
        return None
    means = np.array([np.mean(orders, axis=0) for orders in by_case.values()])
    rng = generator("position", judge.result.suite, judge.name)
    found = position_bias(
        means[:, 0], means[:, 1], clusters=_clusters(judge, list(by_case)), rng=rng
    )
    if found.estimate is None or isinstance(found.sign_test, NotEstimable):
        return None
    pairs = [pair for orders in by_case.values() for pair in orders]
    consistent = sum(second == first for second, first in pairs) / len(pairs)
    p_value = found.sign_test.value
    return PlaceBias(found.estimate, p_value, found.second, found.first, found.n, consistent)


def _clusters(judge: _Judge, ids: Sequence[str]) -> IntArray | None:
    cases = {case.id: case for case in judge.judged.suite.cases}
    return cluster_labels([cases[name] for name in ids])


def _people(judge: _Judge, labelled: Sequence[PersonAndJudge], stale: int) -> PeopleAgreement:
    """Return how far the judge and people agree."""
    grader = judge.judged.graders[judge.name]

    def word(score: float) -> str:
        if judge.of_pairs:
            return "won" if score > TIE else "lost" if score < TIE else "tie"
        return "pass" if score >= grader.passes else "fail"

    words = ("won", "tie", "lost") if judge.of_pairs else ("pass", "fail")
    table = agreement_table(
        [word(each.judge.score) for each in labelled],
        [word(each.person) for each in labelled],
        categories=words,
    )
    found = agreement(table, level=READING_LEVEL)
    apart = [each.judge.score - each.person for each in labelled if judge.on_scale]
    return PeopleAgreement(
        n=found.n,
        stale=stale,
        raw=found.raw,
        interval=found.raw_interval if isinstance(found.raw_interval, Interval) else None,
        kappa=_estimate(found.kappa),
        ac1=_estimate(found.ac1),
        skew=found.skew or "",
        gap=sum(map(abs, apart)) / len(apart) if apart else None,
        lean=sum(apart) / len(apart) if apart else None,
    )


def _estimate(found: ChanceCorrected | NotEstimable) -> float | None:
    return None if isinstance(found, NotEstimable) else found.estimate


def _corrected(
    judge: _Judge, labelled: Sequence[PersonAndJudge], rule: AppliedRule, *, alpha: float
) -> Corrected:
    """Return the difference corrected by the compared cases of which both answers are labelled."""
    pairs = judge.part.heldout
    base, candidate = _by_people(judge, labelled)
    number = int(np.count_nonzero(np.isfinite(candidate - base)))
    nothing = Corrected(None, None, "", number, pairs.n, None, None)
    if judge.part.watched:
        return replace(nothing, note=_WATCHED)
    if number < FEW_LABELLED:
        why = f"{number} cases have labels of both answers, and a correction needs {FEW_LABELLED}"
        return replace(nothing, note=why)
    estimate, found = _procedure(judge, base, candidate)
    if isinstance(found, NotEstimable):
        return replace(nothing, note=found.why)
    limits = [found.interval(level=at) for at in (READING_LEVEL, 1 - 2 * alpha, 1 - alpha)]
    shown, gate, sure = (None if isinstance(at, NotEstimable) else at for at in limits)
    verdict = verdict_of(
        gate, margin=rule.margin, gain_confirmed=sure is not None and exceeds(sure.low, 0)
    )
    return replace(
        nothing,
        difference=estimate,
        interval=shown,
        method=found.method,
        verdict=verdict,
        agrees=verdict == _by_the_judge(judge.result),
        assumptions=assumptions_of(found.method, clustered=pairs.clusters is not None),
    )


def _by_the_judge(result: SuiteResult) -> Verdict:
    return result.bounds.observed if result.bounds else result.verdict


def _by_people(judge: _Judge, labelled: Sequence[PersonAndJudge]) -> tuple[FloatArray, FloatArray]:
    """Return what people gave base and candidate in each compared case, nan where nothing.

    Of pairs the base is what the candidate is compared with: it ties with itself.
    """
    pair, given = judge.judged.pair, {(each.case, each.model): each.person for each in labelled}
    nobody = TIE if judge.of_pairs else math.nan
    ids = judge.part.heldout.ids
    base = [given.get((case, pair.base), nobody) for case in ids]
    return np.array(base), np.array([given.get((case, pair.candidate), math.nan) for case in ids])


def _procedure(
    judge: _Judge, base: FloatArray, candidate: FloatArray
) -> tuple[float, Procedure | NotEstimable]:
    """Return the corrected difference and its procedure: people's own where all is labelled."""
    pairs = judge.part.heldout
    true, seen, own, more = candidate - base, pairs.candidate - pairs.base, None, None
    has = np.isfinite(true)
    if has.all():
        rng = generator("corrected", judge.result.suite, judge.name)
        people = compare(base, candidate, clusters=pairs.clusters, rng=rng)
        return float(true.mean()), people.procedure
    if pairs.clusters is not None:
        own, more = pairs.clusters[has], pairs.clusters[~has]
    found = prediction_powered(
        Labelled(true[has], seen[has], own), Unlabelled(seen[~has], more), bounds=(-1, 1)
    )
    if isinstance(found, NotEstimable):
        return math.nan, found
    procedure = found.procedure
    if isinstance(procedure, Estimate):
        procedure = replace(procedure, bound=1.0)
    return found.estimate, procedure
