"""Which tests form a family, and what is done about their number: in words, for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.decide.decision import ComparisonDecision
from evalkit.decide.evidence import Evidence
from evalkit.decide.policy import Policy
from evalkit.decide.rules import rule_for
from evalkit.decide.run_words import exploratory_family, required_family
from evalkit.decide.selection_words import checkpoint_family
from evalkit.decide.slices import slice_family


def families(
    evidence: Sequence[Evidence], comparisons: Sequence[ComparisonDecision], policy: Policy
) -> tuple[str, ...]:
    """Return a sentence for each family of tests; none without a comparison."""
    suites = [part.suite for part in evidence[0].suites] if evidence else []
    required = [suite.name for suite in suites if rule_for(suite, policy).gates]
    first = [required_family(required, policy.alpha)] if required else []
    return (
        *first,
        *_slices(comparisons, policy),
        *_checkpoints(comparisons),
        *_exploratory(comparisons, policy),
    )


def _slices(comparisons: Sequence[ComparisonDecision], policy: Policy) -> Iterator[str]:
    for comparison in comparisons:
        pair = f"{comparison.candidate} against {comparison.base}"
        parts = [(result.suite, result.slices) for result in comparison.suites if result.slices]
        if parts and policy.slice_family == "comparison":
            every = [one for _, slices in parts for one in slices]
            yield slice_family(f"all suites, {pair}", every, policy)
        else:
            for suite, slices in parts:
                yield slice_family(f"{suite}, {pair}", slices, policy)


def _checkpoints(comparisons: Sequence[ComparisonDecision]) -> Iterator[str]:
    for comparison in comparisons:
        if comparison.selection:
            names = (comparison.candidate, comparison.base)
            yield from checkpoint_family(comparison.selection, *names)


def _exploratory(comparisons: Sequence[ComparisonDecision], policy: Policy) -> Iterator[str]:
    for comparison in comparisons:
        pair = f"{comparison.candidate} against {comparison.base}"
        suites = [result for result in comparison.suites if result.rule == "report"]
        if len(suites) > 1:
            yield exploratory_family(pair, suites, policy.exploratory_correction)
