"""Which of a candidate and its checkpoints is the best, and if an earlier one would have done.

Nothing here gates: the candidate that the project names is what is gated. Each suite that chooses
weighs alike: the model with the largest mean over the suites' mean differences from the base is
chosen, the earliest of equals, and judged suite by suite. Against the candidate every checkpoint is
tested on all held-out cases, those that chose included: its limits hold for all checkpoints and
suites at once (max-T, Bonferroni over the suites), so they hold for whichever is picked, however it
was picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.decide import selection_words as words
from evalkit.decide.any_difference import any_difference
from evalkit.decide.checkpoint_scores import CheckpointScores
from evalkit.decide.evidence import Evidence, SuiteEvidence
from evalkit.decide.pairs import Flags
from evalkit.decide.policy import CheckpointRule, Policy
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.rules import rule_for
from evalkit.decide.seeds import generator
from evalkit.decide.selection_result import Contender, Selection, SuiteSelection
from evalkit.stats.arrays import TIE, FloatArray, exact_mean
from evalkit.stats.assumptions import assumptions_of
from evalkit.stats.rows import complete_rows
from evalkit.stats.selection import (
    CaseSet,
    JointTests,
    Judged,
    Selected,
    dev_test,
    joint_tests,
    select_best,
)
from evalkit.stats.values import Interval, NotEstimable
from evalkit.stats.winners_curse import Corrected

_ROUNDING = 1e-9

Model = tuple[str, int | None]
"""A model's name and its training step."""

Limits = tuple[float | None, Interval | None]
"""A difference and its interval."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One suite that chooses; columns are the models that compete, the candidate last.

    ``differences`` are from the base, ``dev`` marks the cases that choose, ``margin`` is the loss
    that the suite's rule accepts.
    """

    suite: str
    margin: float
    base: FloatArray
    scores: FloatArray
    differences: CaseSet
    dev: Flags


def select_checkpoint(evidence: Evidence, policy: Policy) -> Selection | None:
    """Return the best of a candidate and its checkpoints; ``None`` if it has none with a score."""
    known = {p.suite.name: (p, p.checkpoints) for p in evidence.suites if p.checkpoints}
    if not known:
        return None
    names, note = _choosing([part for part, _ in known.values()], policy)
    tables = [known[name][1] for name in names]
    if not tables:
        return _nothing(policy.checkpoints, note)
    models, able = tables[0].models, _able(tables, policy.run.min_coverage)
    left_out = tuple(model for i, model in enumerate(models) if i not in able)
    note = words.joined(note, words.left_out(left_out))
    if len(able) < 2 or models[-1] in left_out:
        return _nothing(policy.checkpoints, note, left_out)
    parts = [_part(*known[name], able, policy) for name in names]
    competing = [(models[i], tables[0].steps[i]) for i in able]
    return _selection(competing, parts, policy.checkpoints, left_out=left_out, note=note)


def _choosing(known: Sequence[SuiteEvidence], policy: Policy) -> tuple[list[str], str]:
    """Return the suites that choose, by name, and what is to be said of those that cannot."""
    rules = {part.suite.name: rule_for(part.suite, policy) for part in known}
    asked = (
        list(policy.checkpoints.suites)
        or [name for name, rule in rules.items() if rule.rule == "superior"]
        or [name for name, rule in rules.items() if rule.gates]
    )
    watched = {part.suite.name for part in known if part.watched}
    note = words.joined(
        "" if asked else words.no_suite_chooses(),
        words.absent(sorted(set(asked) - rules.keys())),
        words.watched(sorted(watched & set(asked))),
    )
    return sorted(set(asked) & rules.keys() - watched), note


def _able(tables: Sequence[CheckpointScores], coverage: float) -> list[int]:
    """Return the models with enough scores on every suite: one that failed would cost all cases."""
    shares = [1 - np.isnan(table.scores).mean(axis=0) for table in tables]
    able: list[int] = np.flatnonzero(np.min(shares, axis=0) >= coverage - _ROUNDING).tolist()
    return able


def _part(
    part: SuiteEvidence, table: CheckpointScores, able: Sequence[int], policy: Policy
) -> _Part:
    scores = table.scores[:, list(able)]
    dev = np.ones(len(scores), dtype=np.bool_)
    if policy.checkpoints.method == "split":
        dev = _dev(part.suite.name, table, policy.checkpoints.dev_share)
    return _Part(
        suite=part.suite.name,
        margin=rule_for(part.suite, policy).margin,
        base=table.base,
        scores=scores,
        differences=CaseSet(scores - table.base[:, None], table.clusters),
        dev=dev,
    )


def _dev(suite: str, table: CheckpointScores, share: float) -> Flags:
    """Return which cases choose: a random share of the clusters, whatever was answered."""
    labels = np.arange(len(table.base)) if table.clusters is None else table.clusters
    kinds = np.unique(labels)
    first = min(max(round(share * len(kinds)), 1), len(kinds) - 1)
    return np.isin(labels, generator("checkpoints, split", suite).permutation(kinds)[:first])


def _selection(
    models: Sequence[Model],
    parts: Sequence[_Part],
    rule: CheckpointRule,
    *,
    left_out: tuple[str, ...],
    note: str,
) -> Selection:
    found = _select(parts, rule)
    why = found.corrected.why if isinstance(found.corrected, NotEstimable) else ""
    if found.index is None:
        return _nothing(rule, words.joined(note, words.nothing_compared(why)), left_out)
    if why and rule.method == "simultaneous":
        note = words.joined(note, words.uncorrected(why))
    suites = tuple(
        _suite(part, models, judged, against)
        for part, judged, against in zip(parts, found.sets, _against(parts), strict=True)
    )
    chosen, step = models[found.index]
    corrected = found.corrected if isinstance(found.corrected, Corrected) else None
    return _with_finding(
        Selection(
            method=rule.method,
            chosen=chosen,
            step=step,
            is_candidate=found.index == len(models) - 1,
            suites=suites,
            corrected=corrected.estimate if corrected else None,
            corrected_interval=corrected.interval if corrected else None,
            left_out=left_out,
            note=note,
        ),
        [part.margin for part in parts],
    )


def _suite(
    part: _Part, models: Sequence[Model], judged: Judged, against: Sequence[Limits]
) -> SuiteSelection:
    return SuiteSelection(
        suite=part.suite,
        contenders=_contenders(part, models, judged.joint, against),
        n_dev=judged.n_dev,
        n_test=judged.n_test,
        excluded=judged.excluded,
        difference=judged.difference,
        interval=_or_none(judged.interval),
        p_value=None if isinstance(judged.p_value, NotEstimable) else judged.p_value.value,
        luck=judged.luck,
        note=judged.interval.why if isinstance(judged.interval, NotEstimable) else "",
        any_difference=any_difference(
            part.base,
            part.scores,
            clustered=part.differences.clusters is not None,
            rng=generator("checkpoints, any difference", part.suite),
        ),
    )


def _with_finding(selection: Selection, margins: Sequence[float]) -> Selection:
    """Return the selection with what the intervals against the candidate show, and its words."""
    suites = selection.suites
    better = _above(suites, [TIE] * len(suites))
    held = _above(suites, [TIE - margin for margin in margins])
    as_good = next((name for name in held if name in _earlier(suites[0])), None)
    found = replace(selection, better=better, as_good=as_good, assumptions=_assumptions(selection))
    return replace(found, finding=words.finding(found, margins))


def _assumptions(selection: Selection) -> tuple[str, ...]:
    limits = [selection.corrected_interval]
    names = ["max-T"]
    for suite in selection.suites:
        limits.append(suite.interval)
        for contender in suite.contenders:
            limits += [contender.interval, contender.to_candidate_interval]
        if differs := suite.any_difference:
            names += [q.method for q in (differs.all_models, differs.contenders) if q]
    return assumptions_of(*names, *(found.method for found in limits if found))


def _select(parts: Sequence[_Part], rule: CheckpointRule) -> Selected:
    sets = [part.differences for part in parts]
    rng = generator("checkpoints, choice", *(part.suite for part in parts))
    if rule.method == "split":
        return dev_test(sets, [part.dev for part in parts], rng=rng, level=READING_LEVEL)
    return select_best(sets, rng=rng, level=READING_LEVEL)


def _against(parts: Sequence[_Part]) -> list[tuple[Limits, ...]]:
    """Test every checkpoint against the candidate on all cases that they all answered."""
    rows = [
        complete_rows(p.scores[:, :-1] - p.scores[:, -1:], clusters=p.differences.clusters)
        for p in parts
    ]
    rng = generator("checkpoints, candidate", *(part.suite for part in parts))
    found = joint_tests(rows, rng=rng, level=READING_LEVEL)
    return [
        (*zip(one.estimates, map(_or_none, one.intervals), strict=True), (None, None))
        for one in found
    ]


def _contenders(
    part: _Part, models: Sequence[Model], joint: JointTests, against: Sequence[Limits]
) -> tuple[Contender, ...]:
    return tuple(
        Contender(
            model=name,
            step=step,
            mean=mean,
            difference=joint.estimates[j],
            interval=_or_none(joint.intervals[j]),
            p_adjusted=joint.p_values[j],
            to_candidate=against[j][0],
            to_candidate_interval=against[j][1],
        )
        for j, ((name, step), mean) in enumerate(zip(models, _means(part, joint), strict=True))
    )


def _means(part: _Part, joint: JointTests) -> list[float | None]:
    """Return each model's mean score on the cases that choose and that all of them answered."""
    there = [estimate is not None for estimate in joint.estimates]
    known = ~np.isnan(np.asarray(part.differences.differences)[:, there]).any(axis=1)
    kept = part.scores[part.dev & known]
    return [exact_mean(kept[:, j]) if given else None for j, given in enumerate(there)]


def _above(suites: Sequence[SuiteSelection], limits: Sequence[float]) -> tuple[str, ...]:
    """Return the checkpoints whose intervals against the candidate lie above all limits."""
    return tuple(
        on_suites[0].model
        for on_suites in zip(*(suite.contenders[:-1] for suite in suites), strict=True)
        if all(
            found.to_candidate_interval and found.to_candidate_interval.low > limit
            for found, limit in zip(on_suites, limits, strict=True)
        )
    )


def _earlier(suite: SuiteSelection) -> set[str]:
    """Return the checkpoints before the candidate, which stands at the end if it names no step."""
    *checkpoints, candidate = suite.contenders
    last = candidate.step
    return {c.model for c in checkpoints if last is None or c.step is None or c.step < last}


def _or_none(found: Interval | NotEstimable) -> Interval | None:
    return None if isinstance(found, NotEstimable) else found


def _nothing(rule: CheckpointRule, note: str, left_out: tuple[str, ...] = ()) -> Selection:
    return Selection(rule.method, None, None, is_candidate=False, left_out=left_out, note=note)
