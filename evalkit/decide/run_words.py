"""Sentences about a run and its rules: critical cases, identity, what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.decide.decision import IdentityResult, SuiteResult
from evalkit.decide.policy import Correction, PlainCorrection
from evalkit.decide.words import many, percent
from evalkit.model import Pair

CORRECTIONS: dict[Correction, str] = {
    "holm": "corrected together by Holm",
    "hochberg": "corrected together by Hochberg",
    "hommel": "corrected together by Hommel",
    "bonferroni": "corrected together by Bonferroni",
    "tarone": "corrected together by Tarone and Holm",
    "min_p": "corrected together by the joint sign-flip of the smallest p-value",
    "max_t": "corrected together by the joint sign-flip of the largest statistic",
    "bh": "with the share of false alarms bounded by Benjamini and Hochberg",
    "by": "with the share of false alarms bounded by Benjamini and Yekutieli",
    "none": "not corrected",
}
"""What is done about the number of tests in a family."""

_LISTED = 5


def few_cases(result: SuiteResult, asked: int) -> str:
    """Return that a suite was compared on fewer cases than the policy asks for."""
    compared = f"{many(result.n, 'case')} compared"
    return f"{result.suite}: {compared}, at least {asked} are asked for."


def waived() -> str:
    """Return that a rule is in doubt and passes all the same."""
    return "The policy lets this doubt pass."


def critical_broken(suite: str, broken: Sequence[str]) -> str:
    """Return which critical cases broke."""
    return f"{many(len(broken), 'critical case')} of {suite} broke: {_listed(broken)}."


def critical_missing(suite: str, missing: Sequence[str]) -> str:
    """Return of which critical cases it is open if they broke."""
    verb = "lacks" if len(missing) == 1 else "lack"
    count = many(len(missing), "critical case")
    return f"{count} of {suite} {verb} answers, so a break is not ruled out: {_listed(missing)}."


def critical_held(suite: str, *, at_risk: int, bound: float) -> str:
    """Return that nothing critical broke, and what so many cases can say."""
    if not at_risk:
        return f"No critical case of {suite} was right before, so none could break."
    return (
        f"None of the {many(at_risk, 'critical case')} of {suite} that were right before broke; "
        f"so many cases rule out a rate above {percent(bound)}."
    )


def answered_by_another(name: str, *, asked: str, answered: str) -> str:
    """Return that an endpoint answered as another model than the one asked for."""
    return f"{name}: asked for {asked}, but {answered} answered."


def answers_compared(pair: Pair, *, compared: int, different: int) -> tuple[str, ...]:
    """Return what is wrong with the answers, if anything."""
    if not compared:
        return (f"{pair.base} and {pair.candidate} share no held-out answer.",)
    if not different:
        count = "The only held-out answer" if compared == 1 else f"All {compared} held-out answers"
        verb = "equals" if compared == 1 else "equal"
        return (f"{count} of {pair.candidate} {verb} those of {pair.base}: is it really loaded?",)
    return ()


def identity_sentence(pair: Pair, result: IdentityResult) -> str:
    """Return what proves that the candidate is the candidate."""
    if result.note:
        return result.note
    shares = f"{result.different} of {many(result.compared, 'held-out answer')}"
    return f"{shares} of {pair.candidate} differ from those of {pair.base}."


def scores_only(pair: Pair) -> str:
    """Return that nothing can prove which models gave the scores."""
    return f"There are only scores, so nothing shows that {pair.candidate} gave them."


def gap_of_first(cases: int) -> str:
    """Return on which held-out cases the gap of a suite is measured that may stop early."""
    return (
        f"the gap is measured on the first {many(cases, 'held-out case')}, a number fixed before "
        "the first answer, since the suite may stop early"
    )


def deselected() -> str:
    """Return that the run covers only a part of the project."""
    return "Cases were left out, so this run covers only a part of the project."


def stopped(by: str, limit: str, *, missing: int, of: int) -> str:
    """Return what ended a run before all was asked, and how much that left open."""
    done = "asked" if by == "budget" else "answered"
    left = f"{missing:,} of {of:,} requests {'was' if missing == 1 else 'were'} not {done}"
    return f"stopped by the {by} ({limit}): {left}"


def as_sentence(words: str) -> str:
    """Return words as a sentence of their own."""
    return f"{words[:1].upper()}{words[1:]}."


def suite_absent(name: str) -> str:
    """Return that the policy names a suite that the run does not have."""
    return f"The policy has a rule for {name}, but the run has no such suite."


def too_many(where: str, what: str, *, count: int, of: int, limit: float) -> str:
    """Return that more cases lack an answer or a grade than the policy allows."""
    share = percent(count / of)
    return (
        f"{where}: {count} of {many(of, 'case')} {what} ({share}; the limit is {percent(limit)})."
    )


def too_few(where: str, *, count: int, of: int, limit: float) -> str:
    """Return that fewer cases could be compared than the policy asks for."""
    share = f"{percent(count / of)}; {percent(limit)} are asked for"
    return f"{where}: {count} of {many(of, 'case')} compared ({share})."


def complete(compared: int, expected: int) -> str:
    """Return that enough of the run is there."""
    return f"{compared} of {many(expected, 'case')} have a score of both models."


def nothing_gates() -> str:
    """Return that no suite has a rule that could pass."""
    return "No suite has a rule to pass, so nothing speaks for a promotion."


def required_family(suites: Sequence[str], alpha: float) -> str:
    """Return why the required suites need no correction."""
    return (
        f"Required suites ({', '.join(suites)}): each is judged at {percent(alpha)} and all must "
        "pass, so no correction for their number is needed."
    )


def exploratory_family(
    pair: str, suites: Sequence[SuiteResult], correction: PlainCorrection
) -> str:
    """Return how the tests of the suites that only report were corrected together."""
    tested = sum(suite.p_adjusted is not None for suite in suites)
    left_out = f"; {len(suites) - tested} without a test left out" if tested < len(suites) else ""
    return (
        f"Suites that only report, {pair}: {many(tested, 'two-sided test')} for a change, "
        f"{CORRECTIONS[correction]}{left_out}. Each interval is that of its suite alone."
    )


def alone_a_change(p_adjusted: float | None, among: int) -> str:
    """Return why a suite is not called changed though its own interval excludes 0."""
    if p_adjusted is None:
        return "not called changed, as there is no p-value"
    if among == 1:
        return f"not called changed, as its p is {p_adjusted:.3f}"
    number = f"among the {among} suites that only report"
    return f"not called changed, as {number} its adjusted p is {p_adjusted:.3f}"


def _listed(ids: Sequence[str]) -> str:
    more = len(ids) - _LISTED
    return ", ".join(ids[:_LISTED]) + (f" and {more} more" if more > 0 else "")
