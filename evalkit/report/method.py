"""Method and data: how the run was judged, and what this evidence cannot show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, Decision
from evalkit.model import Manifest, Record, Suite
from evalkit.report.early import early_limits
from evalkit.report.glossary import GLOSSARY, TESTS
from evalkit.report.method_tables import answers_counted, small_tables, wide_tables
from evalkit.report.numerals import many, money, short_digest, typeset
from evalkit.report.safe import one_line
from evalkit.report.tables import Table

_NO_CHANCE = 0.01
"""The p-value from which two runs of one model are said to differ."""


@dataclass(frozen=True, slots=True)
class Method:
    """The section, the same for all candidates but for its tables of tests and rules.

    ``assumptions`` are sentences with the suites that each is about.
    """

    tables: tuple[Table, ...]
    small_tables: tuple[Table, ...]
    families: tuple[str, ...]
    tests: tuple[str, ...]
    limits: tuple[str, ...]
    assumptions: tuple[tuple[str, str], ...]
    glossary: tuple[tuple[str, str], ...]


def describe_method(
    decision: Decision, manifest: Manifest, suites: Sequence[Suite], records: Sequence[Record]
) -> Method:
    """Return how the run was made and judged."""
    return Method(
        tables=wide_tables(decision, manifest, suites, records),
        small_tables=small_tables(decision, manifest, answers_counted(manifest)),
        families=tuple(typeset(one_line(f, 300)) for f in decision.families),
        tests=tests_used(decision),
        limits=tuple(_limits(decision, suites, manifest)),
        assumptions=taken_for_granted(decision),
        glossary=GLOSSARY,
    )


def tests_used(decision: Decision) -> tuple[str, ...]:
    """Return why each of the tests is used that this decision rests on."""
    suites = [s for c in decision.comparisons for s in c.suites]
    used = [s.method for s in suites]
    used += [p.interval.method for s in suites if s.repeats for p in s.repeats.passes if p.interval]
    used += ["second opinions" for s in suites if s.second_opinions]
    used += ["max-T" for c in decision.comparisons if c.selection and c.selection.suites]
    used += [o.interval.method for c in decision.comparisons for o in c.overfitting if o.interval]
    return tuple(why for name, why in TESTS if any(name in method for method in used))


def taken_for_granted(decision: Decision) -> tuple[tuple[str, str], ...]:
    """Return what the tests of the decision take for granted, once each, and for which suites.

    Those that decide, and those of slices, repeats, noise, gaps and checkpoints. A run of one suite
    names none.
    """
    about: dict[str, dict[str, None]] = {}
    for suite, sentences in (part for c in decision.comparisons for part in _assumptions(c)):
        for sentence in sentences:
            about.setdefault(sentence, {})[suite] = None
    every = {s.suite for c in decision.comparisons for s in c.suites}
    whole = "all suites" if len(every) > 1 else ""
    return tuple(
        (one_line(sentence, 300), whole if names.keys() == every else _named(names))
        for sentence, names in about.items()
    )


def _assumptions(comparison: ComparisonDecision) -> Iterator[tuple[str, tuple[str, ...]]]:
    for result in comparison.suites:
        yield result.suite, (*result.assumptions, *result.slice_assumptions)
        for more in (result.repeats, result.noise, result.metrics, result.fairness):
            yield result.suite, more.assumptions if more else ()
        for judge in result.judges:
            yield result.suite, judge.corrected.assumptions if judge.corrected else ()
    yield from ((gap.suite, gap.assumptions) for gap in comparison.overfitting)
    if choice := comparison.selection:
        yield from ((part.suite, choice.assumptions) for part in choice.suites)


def _named(suites: Iterable[str]) -> str:
    return ", ".join(one_line(name, 60) for name in suites)


def _limits(decision: Decision, suites: Sequence[Suite], manifest: Manifest) -> Iterator[str]:
    """Yield what this run's evidence cannot show, by what the run lacked."""
    yield (
        "It speaks of the cases in these suites and of cases like them. "
        "What users ask that no case resembles was not tried."
    )
    yield "A score is what the graders count; what they do not look at can change unseen."
    noise = any(s.noise for c in decision.comparisons for s in c.suites)
    if not noise and all(s.sampling.samples == 1 for s in suites):
        yield (
            "Each case was asked once. How much an answer varies from one asking to the next is "
            "not separated from the difference between the models."
        )
    yield from _drifting(decision)
    yield from early_limits(decision)
    if not any(c.overfitting for c in decision.comparisons):
        yield "No training cases were asked, so learning cannot be told from memorising."
    if not any(s.slices for c in decision.comparisons for s in c.suites):
        yield "No slices were declared: a loss in one group of users can hide in a good total."
    if any(p.role == "checkpoint" for p in manifest.models):
        yield (
            "A checkpoint chosen by these curves needs fresh cases: "
            "the chosen one looks better than it is."
        )
    if decision.partial or manifest.partial:
        why = one_line(manifest.partial, 200)
        yield f"The run is partial{': ' + why if why else ''}. A partial run never promotes."


def _drifting(decision: Decision) -> Iterator[str]:
    """Yield where two runs of the base differ by more than chance."""
    for name in dict.fromkeys(
        s.suite
        for c in decision.comparisons
        for s in c.suites
        if s.noise and max(_or_1(s.noise.p_value), _or_1(s.noise.p_exact)) <= _NO_CHANCE
    ):
        yield (
            f"On {one_line(name, 60)} two runs of the base differ by more than chance: something "
            "besides the model changes from run to run."
        )


def _or_1(p: float | None) -> float:
    return 1.0 if p is None else p


def run_facts(decision: Decision, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return who, what and at what cost as pairs of name and value."""
    costs = [m.cost for m in manifest.models if m.cost is not None]
    return (
        ("Run", one_line(manifest.run_id, 80)),
        ("Suites", suites_digest(manifest)),
        ("Policy", short_digest(one_line(decision.policy_digest, 80))),
        ("Cost", money(sum(costs)) if costs else "no price given"),
    )


def suites_digest(manifest: Manifest) -> str:
    """Return one digest over all suites: equal digests mean that the same cases were asked."""
    suites = sorted(item for item in manifest.digests.items() if item[0].startswith("suite:"))
    return short_digest(hashlib.sha256(json.dumps(suites).encode()).hexdigest())


def size_of_run(decision: Decision) -> str:
    """Return how many suites and cases a decision rests on."""
    suites = {s.suite: s.n for c in decision.comparisons for s in c.suites}
    return f"{many(len(suites), 'suite')}, {many(sum(suites.values()), 'case')}"
