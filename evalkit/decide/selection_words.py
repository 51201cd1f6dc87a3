"""Sentences about the choice among checkpoints. They claim what the intervals show, no more."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.decide.selection_result import Contender, Selection, SuiteSelection
from evalkit.decide.words import interval_words, many, points


def finding(selection: Selection, margins: Sequence[float]) -> str:
    """Return what the checkpoints show against the candidate; ``margins`` are those of the suites.

    Its limits allow for all checkpoints, so any of them may be picked.
    """
    suites = selection.suites
    if selection.better:
        best = selection.chosen if selection.chosen in selection.better else selection.better[0]
        return (
            f"{_beside(suites, str(best), 'scored higher than')}: compare it in a run of its own, "
            "on cases that did not choose it."
        )
    if selection.as_good:
        said = _beside(suites, selection.as_good, "is no worse than", margins=margins)
        return f"{said}: stop there next time."
    where = listed([suite.suite for suite in suites])
    if all(_lower(c) for suite in suites for c in suite.contenders[:-1]):
        return (
            f"Every other checkpoint scored lower than the candidate on {where}{_allowed(suites)}."
        )
    return f"Whether any other checkpoint is as good as the candidate on {where} cannot be told."


def checkpoint_family(selection: Selection, candidate: str, base: str) -> tuple[str, ...]:
    """Return in words which tests among checkpoints were corrected together, and how."""
    assumed = (
        f"The gate on {candidate} assumes that these cases did not choose it: "
        "whoever picked it by them needs fresh ones."
    )
    suites = selection.suites
    if not suites:
        return (f"Checkpoints of {candidate}: no test. {assumed}",)
    known = [c for suite in suites for c in suite.contenders]
    made = sum(c.p_adjusted is not None for c in known)
    absent = len(known) - made + len(selection.left_out) * len(suites)
    beside = sum(c.to_candidate_interval is not None for c in known)
    which = "dev" if selection.method == "split" else "held-out"
    over = " and Bonferroni over the suites" if len(suites) > 1 else ""
    return (
        f"Checkpoints of {candidate} against {base} on {listed([s.suite for s in suites])}: "
        f"{many(made, 'two-sided test')} on the {which} cases, corrected together by max-T{over}"
        f"{f'; {absent} without a test left out' if absent else ''}. Against {candidate}: "
        f"{beside} on all held-out cases, corrected alike.",
        f"{_judged(selection)} {assumed}",
    )


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    *start, last = names
    return f"{', '.join(start)} and {last}" if start else last


def joined(*parts: str) -> str:
    """Return the parts that say something as one text."""
    return " ".join(part for part in parts if part)


def left_out(models: Sequence[str]) -> str:
    """Return which models had too few answers to compete; empty if all had enough."""
    if not models:
        return ""
    return f"Too few answers to compete: {listed(models)}."


def no_suite_chooses() -> str:
    """Return that nothing says which suites choose."""
    return "No suite gates, so none chooses: name some in the policy under checkpoints, suites."


def absent(suites: Sequence[str]) -> str:
    """Return which suites that should choose are not there; empty if all are."""
    return f"Not in this run, so it cannot choose: {listed(suites)}." if suites else ""


def watched(suites: Sequence[str]) -> str:
    """Return which suites cannot choose as their number of cases followed the answers."""
    if not suites:
        return ""
    return f"Judged while asked, so the cases of {listed(suites)} cannot choose a checkpoint."


def nothing_compared(why: str) -> str:
    """Return that nothing could be chosen, and why."""
    return f"Nothing could be chosen: {why}."


def uncorrected(why: str) -> str:
    """Return that the luck of the choice could not be taken out, and why."""
    return f"No estimate without the luck of the choice: {why}."


def _judged(selection: Selection) -> str:
    number = len(selection.suites)
    if selection.method == "simultaneous":
        return "The chosen one is judged on the same cases, with the same correction."
    return f"The chosen one is judged on the other cases: {many(number, 'test')}, not corrected."


def _beside(
    suites: Sequence[SuiteSelection],
    name: str,
    verb: str,
    *,
    margins: Sequence[float] | None = None,
) -> str:
    """Return "Step 200 <verb> the candidate on a and b (numbers of each suite)"."""
    found = [next(c for c in suite.contenders if c.model == name) for suite in suites]
    numbers = [_change(one) for one in found]
    if margins is not None:
        limits = (f"limit {points(margin)}" for margin in margins)
        numbers = [f"{n}, {limit}" for n, limit in zip(numbers, limits, strict=True)]
    if len(suites) > 1:
        numbers = [f"{s.suite} {n}" for s, n in zip(suites, numbers, strict=True)]
    where = listed([suite.suite for suite in suites])
    step = name if found[0].step is None else f"Step {found[0].step:,}"
    return f"{step} {verb} the candidate on {where} ({'; '.join(numbers)}{_allowed(suites, '; ')})"


def _change(found: Contender) -> str:
    difference = found.to_candidate or 0.0
    way = "higher" if difference >= 0 else "lower"
    inside = interval_words(found.to_candidate_interval, lower=difference < 0)
    return f"{points(abs(difference))} points {way}, {inside}"


def _allowed(suites: Sequence[SuiteSelection], start: str = ", ") -> str:
    """Return that the limits allow for the number of checkpoints, where there are several."""
    number = len(suites[0].contenders) - 1
    return f"{start}{number} checkpoints allowed for" if number > 1 else ""


def _lower(found: Contender) -> bool:
    interval = found.to_candidate_interval
    return interval is not None and interval.high < 0
