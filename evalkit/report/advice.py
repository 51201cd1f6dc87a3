"""What to do next, one sentence for each rule that did not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, CurvePoint, Gate, SuiteResult
from evalkit.decide.words import cases_of
from evalkit.report.numerals import count, many, points, trimmed
from evalkit.report.repeated import samples_instead
from evalkit.report.safe import one_line
from evalkit.report.words import VERDICTS, point_words

_MOST_STEPS = 5
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do; ``section`` is the part of the report that helps with it, if any."""

    text: str
    section: str = ""


def next_steps(comparison: ComparisonDecision, *, partial: bool) -> tuple[Step, ...]:
    """Return what to do after this decision, most urgent first, each thing once."""
    if comparison.outcome == "promote":
        return _after_promotion(comparison)
    if partial:
        return (Step("Run every case of every suite: a partial run never leads to a promotion."),)
    steps: dict[str, Step] = {}
    for gate in sorted(comparison.gates, key=lambda g: _URGENCY.index(g.kind)):
        for step in _ADVICE[gate.kind](comparison, gate):
            steps.setdefault(step.text, step)
    return tuple(steps.values())[:_MOST_STEPS]


def _after_promotion(comparison: ComparisonDecision) -> tuple[Step, ...]:
    base, candidate = one_line(comparison.base, 60), one_line(comparison.candidate, 60)
    steps = [
        Step(f"Put {candidate} where {base} is served now, and keep {base} ready to go back to."),
        Step("Run the same suites again whenever the model, the prompts or the provider change."),
    ]
    if comparison.identity is None:
        steps[1:] = [Step("Compare again whenever the model or the cases change.")]
    broken = sum(s.flips.broken for s in comparison.suites)
    if broken:
        steps.insert(
            1, Step(f"Read the {many(broken, 'case')} that broke: none of them blocks.", "flips")
        )
    return tuple(steps)


def _suite(comparison: ComparisonDecision, gate: Gate) -> Iterator[Step]:
    result = next((s for s in comparison.suites if s.suite == gate.suite), None)
    if result is None:
        return
    if gate.status == "inconclusive":
        yield (
            _get_answers(result, "answer" if comparison.identity else "score")
            if result.bounds and result.bounds.decisive
            else _more_cases(result)
        )
    elif gate.status == "failed":
        yield _mend(comparison, result)


def _mend(comparison: ComparisonDecision, result: SuiteResult) -> Step:
    """Return what to do about a suite that failed: it got worse, or did not do as it had to."""
    if VERDICTS[result.verdict].zone == "worse":
        return _read_broken(comparison)
    if result.rule == "superior":
        return _train_for(result)
    name = one_line(result.suite, 60)
    return Step(f"Read what changed in {name}: its rule allows no change either way.", "flips")


def _get_answers(result: SuiteResult, noun: str) -> Step:
    cases = many(result.expected_cases - result.n, "case")
    verb = "lacks" if cases.startswith("1 ") else "lack"
    return Step(
        f"Get the {noun}s that {cases} of {one_line(result.suite, 60)} {verb}: they could overturn "
        "what the others show.",
        "cases",
    )


def _more_cases(result: SuiteResult) -> Step:
    name = one_line(result.suite, 60)
    sought = result.change_sought or result.margin
    cases = cases_of(result)
    if cases < result.min_cases:
        asked = f"it has {count(cases)}, and the policy asks for {count(result.min_cases)}"
        return Step(f"Add cases to {name}: {asked}.")
    if result.clusters is not None and result.gate_interval is None:
        return Step(
            f"Add cases of other clusters to {name}: all it has are of "
            f"{many(result.clusters, 'cluster')}, and what belongs together counts as one."
        )
    if result.cases_needed is None or result.cases_needed <= cases or not sought:
        why = f"{count(cases)} do not settle it"
    else:
        needed = f"about {count(result.cases_needed)} are needed"
        why = f"it has {count(cases)}, and {needed} to see {point_words(trimmed(sought))}"
    return Step(f"Add cases to {name}: {why}. {samples_instead(result.repeats)}".rstrip())


def _train_for(result: SuiteResult) -> Step:
    asked = f" by {point_words(trimmed(result.min_gain))}" if result.min_gain else ""
    name = one_line(result.suite, 60)
    return Step(f"Train for {name}: as a target it has to improve{asked}.", "changes")


def _read_broken(comparison: ComparisonDecision) -> Step:
    """Return one step for all suites that got worse: what broke has causes in common."""
    worse = [s for s in comparison.suites if VERDICTS[s.verdict].zone == "worse"]
    parts = [f"{one_line(s.suite, 60)} {count(s.flips.broken)}" for s in worse if s.flips.broken]
    where = f" ({', '.join(parts)})" if len(parts) > 1 else ""
    total = sum(s.flips.broken for s in worse)
    if not total:
        names = ", ".join(one_line(s.suite, 60) for s in worse)
        none = "none went from right to wrong"
        return Step(f"See which cases of {names} lost most: {none}.", "cases")
    return Step(
        f"Read the {many(total, 'case')} that broke{where} and cover what they have in common "
        "in the training data.",
        "flips",
    )


def _critical(comparison: ComparisonDecision, gate: Gate) -> Iterator[Step]:
    if gate.status != "failed":
        return
    names = [n for s in comparison.suites if gate.suite in ("", s.suite) for n in s.broken_critical]
    shown = ", ".join(one_line(n, 60) for n in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    yield Step(f"Mend the critical cases first: {shown}{more}.", "flips")


def _overfitting(comparison: ComparisonDecision, gate: Gate) -> Iterator[Step]:
    if gate.status != "failed":
        return
    yield Step("Train for fewer steps, or on more and more varied data.", "overfitting")
    best = best_checkpoint(comparison, gate.suite)
    if best is not None and best.model != comparison.candidate:
        yield Step(
            f"Try {one_line(best.model, 60)}: it scored {points(best.mean)} on held-out cases. "
            "Compare it in a run of its own, with cases that did not choose it.",
            "overfitting",
        )


def best_checkpoint(comparison: ComparisonDecision, suite: str) -> CurvePoint | None:
    """Return the point with the highest held-out score of ``suite``, the base left out."""
    found = [
        p
        for p in comparison.learning_curve
        if p.split == "heldout" and p.mean is not None and p.model != comparison.base
        if suite in ("", p.suite)
    ]
    return max(found, key=lambda p: p.mean or 0.0, default=None)


def _identity(comparison: ComparisonDecision, gate: Gate) -> Iterator[Step]:
    if comparison.identity and gate.status != "passed":
        candidate = one_line(comparison.candidate, 60)
        yield Step(
            f"Make sure that the endpoint serves {candidate} and not its base, then run again.",
            "method",
        )


def _run(comparison: ComparisonDecision, gate: Gate) -> Iterator[Step]:
    missing = sum(s.errors for s in comparison.suites)
    ungraded = sum(s.ungraded for s in comparison.suites)
    if gate.status == "passed":
        return
    if comparison.identity is None:
        parts = (max(s.expected_cases - s.n, s.errors, s.ungraded) for s in comparison.suites)
        lacking = many(sum(parts), "case")
        yield Step(f"Get the scores that {lacking} of one model or both lack, and compare again.")
        return
    if ungraded:
        yield Step(
            f"See why {many(ungraded, 'answer')} could not be graded, then grade again.",
            "cases",
        )
    yield Step(
        f"Run again to ask what {many(missing, 'case')} lack: answers that came are kept "
        "and not asked again."
        if missing
        else "Run again: answers that came are kept and not asked again.",
        "method",
    )


_ADVICE: dict[str, Callable[[ComparisonDecision, Gate], Iterator[Step]]] = {
    "run": _run,
    "identity": _identity,
    "critical": _critical,
    "suite": _suite,
    "overfitting": _overfitting,
}
_URGENCY = tuple(_ADVICE)
