"""The entrances: a run, or evidence gathered elsewhere, and a policy to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.decide.decision import Decision
from evalkit.decide.policy import Policy
from evalkit.decide.run_data import RunData
from evalkit.decide.serialise import from_dict, to_dict

if TYPE_CHECKING:
    from evalkit.decide.evidence import Evidence


def decide(run: RunData, policy: Policy) -> Decision:
    """Return what ``policy`` says about every comparison of ``run``.

    Never raises for lack of data: what cannot be estimated is ``None`` with a note, and what is
    missing makes the run incomplete. The order of records and cases changes nothing. Numbers come
    rounded as `to_dict` writes them, so a decision equals the one read back from its file.
    """
    # scipy takes longer to load than most runs take to plan; only deciding needs it.
    from evalkit.decide.evidence import gather

    return decide_evidence(gather(run), policy, partial=run.partial, stopped=run.stopped)


def decide_evidence(
    evidence: Sequence[Evidence], policy: Policy, *, partial: bool, stopped: str = ""
) -> Decision:
    """Return what ``policy`` says about every comparison of ``evidence``; otherwise as `decide`."""
    from evalkit.decide.comparison import decide_comparison
    from evalkit.decide.families import families
    from evalkit.decide.gates import worst

    comparisons = tuple(
        decide_comparison(part, policy, partial=partial, stopped=stopped) for part in evidence
    )
    decision = Decision(
        outcome=worst(comparison.outcome for comparison in comparisons),
        comparisons=comparisons,
        alpha=float(policy.alpha),
        partial=partial,
        policy_digest=policy.digest,
        families=families(evidence, comparisons, policy),
    )
    return from_dict(to_dict(decision))
