"""From records to a decision, by one policy. Pure: equal records give equal bytes.

::

    Decision, Policy       what is decided, and by which rules
    decide                 RunData and a Policy to a Decision
    decide_evidence        paired scores from elsewhere and a Policy to a Decision
    to_dict, from_dict     a Decision as plain JSON values, and back
    policy_from            a policy file's content to a Policy

Importing this package does not load scipy; `decide` does when it is called.
"""

from __future__ import annotations

from evalkit.decide.decision import (
    ComparisonDecision,
    CurvePoint,
    Decision,
    FlipRates,
    Flips,
    Gate,
    IdentityResult,
    Interval,
    OverfitResult,
    SliceResult,
    SuiteResult,
)
from evalkit.decide.policy import CheckpointRule, Policy, RunLimits, SuiteRule
from evalkit.decide.read_policy import policy_from
from evalkit.decide.run import decide, decide_evidence
from evalkit.decide.run_data import RunData
from evalkit.decide.serialise import from_dict, to_dict

__all__ = [
    "CheckpointRule",
    "ComparisonDecision",
    "CurvePoint",
    "Decision",
    "FlipRates",
    "Flips",
    "Gate",
    "IdentityResult",
    "Interval",
    "OverfitResult",
    "Policy",
    "RunData",
    "RunLimits",
    "SliceResult",
    "SuiteResult",
    "SuiteRule",
    "decide",
    "decide_evidence",
    "from_dict",
    "policy_from",
    "to_dict",
]
