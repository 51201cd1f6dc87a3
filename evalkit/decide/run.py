"""The one entrance: a run and a policy to a decision."""

from __future__ import annotations

from evalkit.decide.decision import ComparisonDecision, Decision
from evalkit.decide.policy import Policy
from evalkit.decide.run_data import RunData
from evalkit.decide.serialise import from_dict, to_dict


def decide(run: RunData, policy: Policy) -> Decision:
    """Return what ``policy`` says about every comparison of ``run``.

    Never raises for lack of data: what cannot be estimated is ``None`` with a note, and what is
    missing makes the run incomplete. The order of records and cases changes nothing. Numbers come
    rounded as `to_dict` writes them, so a decision equals the one read back from its file.
    """
    # scipy takes longer to load than most runs take to plan; only deciding needs it.
    from evalkit.decide.comparison import decide_pair
    from evalkit.decide.gates import worst
    from evalkit.decide.tabulate import tabulate

    table = tabulate(run.records)
    comparisons = tuple(
        decide_pair(run, pair, policy=policy, table=table) for pair in run.project.comparisons
    )
    decision = Decision(
        outcome=worst(comparison.outcome for comparison in comparisons),
        comparisons=comparisons,
        alpha=float(policy.alpha),
        partial=run.partial,
        policy_digest=policy.digest,
        families=_families(run, policy, comparisons),
    )
    return from_dict(to_dict(decision))


def _families(
    run: RunData, policy: Policy, comparisons: tuple[ComparisonDecision, ...]
) -> tuple[str, ...]:
    """Return in words which tests form a family, and what is done about their number."""
    from evalkit.decide.rules import rule_for
    from evalkit.decide.run_words import required_family
    from evalkit.decide.slices import slice_family

    required = [suite.name for suite in run.suites if rule_for(suite, policy).gates]
    first = [required_family(required, policy.alpha)] if required else []
    return (
        *first,
        *(
            slice_family(f"{result.suite}, {c.candidate} against {c.base}", result.slices, policy)
            for c in comparisons
            for result in c.suites
            if result.slices
        ),
    )
