"""What a decision is: plain frozen values, each number with the method that gave it.

Differences are candidate minus base on the score's 0..1 scale. ``None`` stands for "not
estimable", and the field ``note`` beside it says why. No field holds a time, a path or a run id:
equal answers give equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evalkit.decide.fairness_result import FairnessResult, TermResult
from evalkit.decide.judge_result import (
    Corrected,
    JudgeNoise,
    JudgeResult,
    NoVerdict,
    PeopleAgreement,
    PlaceBias,
)
from evalkit.decide.metric_result import Confusion, MetricResult, SuiteMetrics
from evalkit.decide.noise_result import Noise
from evalkit.decide.opinion_result import SecondOpinion, Verdict
from evalkit.decide.repeat_results import (
    NextPurchase,
    PassRates,
    RegressedCase,
    RegressedCases,
    RepeatedSamples,
    VarianceParts,
)
from evalkit.decide.selection_result import (
    AnyDifference,
    CochranTest,
    Contender,
    Selection,
    SuiteSelection,
)
from evalkit.model import Purpose
from evalkit.stats.values import FlipRates, Interval

__all__ = [
    "AnyDifference",
    "Bound",
    "Bounds",
    "CochranTest",
    "ComparisonDecision",
    "Confusion",
    "Contender",
    "Corrected",
    "CurvePoint",
    "Decision",
    "FairnessResult",
    "FlipRates",
    "Flips",
    "Gate",
    "GateStatus",
    "IdentityResult",
    "Interval",
    "JudgeNoise",
    "JudgeResult",
    "MetricResult",
    "NextPurchase",
    "NoVerdict",
    "Noise",
    "Outcome",
    "OverfitClass",
    "OverfitResult",
    "PassRates",
    "PeopleAgreement",
    "PlaceBias",
    "RegressedCase",
    "RegressedCases",
    "RepeatedSamples",
    "SecondOpinion",
    "Selection",
    "SliceResult",
    "StopAnswer",
    "StopCause",
    "Stopping",
    "SuiteMetrics",
    "SuiteResult",
    "SuiteSelection",
    "TermResult",
    "VarianceParts",
    "Verdict",
]

Outcome = Literal["promote", "do_not_promote", "not_enough_evidence", "incomplete"]
OverfitClass = Literal["sound", "mostly_memorised", "no_transfer", "harmful", "inconclusive"]
StopAnswer = Literal["go_on", "proven", "refuted", "futile"]
StopCause = Literal["betting", "all cases", "nothing yet"]
GateStatus = Literal["passed", "waived", "failed", "inconclusive", "incomplete", "reported"]
BLOCKING: frozenset[GateStatus] = frozenset({"failed", "inconclusive", "incomplete"})
"""What stands in the way of promotion."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Cases by what happened to the pair, a case's mean score >= 0.5 counting as right."""

    both_right: int
    fixed: int
    broken: int
    both_wrong: int


@dataclass(frozen=True, slots=True)
class Bound:
    """One extreme of what missing answers could have been, and what it would have shown."""

    difference: float | None
    gate_interval: Interval | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Bounds:
    """A suite's comparison with its missing answers filled in, over all expected cases.

    ``missing`` counts the cases with a missing answer of either model. ``worst``: the candidate's
    were all wrong and the base's right; ``best``: the reverse. ``observed`` is the verdict on the
    answers that came; the suite's own verdict claims only what all three show.
    """

    missing: int
    observed: Verdict
    worst: Bound
    best: Bound

    @property
    def decisive(self) -> bool:
        """Whether the missing answers could overturn what the others show."""
        return self.observed != "inconclusive" and not (
            self.observed == self.worst.verdict == self.best.verdict
        )


@dataclass(frozen=True, slots=True)
class Stopping:
    """How a suite that was judged while it was asked came to its end, and what that cost.

    ``asked`` of ``planned`` held-out cases count: the first of a seeded random order. ``answer`` is
    that of the suite's rule: ``proven``, ``refuted``, ``futile`` (neither, and the test of all
    planned cases cannot pass any more), or ``go_on`` where another policy is applied than the one
    that stopped it. ``by`` names what settled it. ``width_ratio`` is the width of the gate interval
    over that of one for as many cases fixed in advance.
    """

    planned: int
    asked: int
    answer: StopAnswer
    by: StopCause
    width_ratio: float | None

    @property
    def early(self) -> bool:
        """Whether cases were left unasked."""
        return self.asked < self.planned


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One slice of one suite: an alarm, never a gate.

    ``p_value`` is one-sided, for a loss, and belongs to the test that ``interval`` inverts; where
    that is the score test, ``p_exact`` is the exact test beside it (else ``None``), and an alarm
    needs both. ``p_adjusted`` is the larger of the two corrected over the family that the policy
    names, and ``None`` where a slice had no test. ``alarm``: it is at most alpha.
    """

    field: str
    value: str
    n: int
    base_mean: float
    candidate_mean: float
    difference: float
    interval: Interval | None
    p_value: float | None
    p_adjusted: float | None
    alarm: bool
    note: str = ""
    p_exact: float | None = None


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One suite for one pair of models, on the held-out cases that both models answered.

    ``interval`` is for reading (95 %), ``gate_interval`` (1 - 2 alpha) decides; ``p_value`` belongs
    to the test that the interval inverts, ``p_exact`` is the exact sign-flip beside it, both
    two-sided. ``smallest_margin`` is the margin this many cases can certify with 80 % power at the
    churn seen; ``cases_needed`` is what it takes to see a change of ``change_sought`` with 80 %
    power. That change is the margin for ``non_inferior`` and ``report``; for ``superior`` it is
    ``min_gain`` (to tell a gain of twice that from it), or the margin if any gain will do.
    ``noise`` is there where the base was asked twice, ``stopping`` where the suite was judged while
    it was asked: then there is no p-value, the intervals hold wherever it stopped, and
    ``expected_cases`` are those that were asked. ``binary``: all scores are 0 or 1.
    ``variance`` is that of one case's difference, for planning; ``repeats`` is there where a case
    has several samples of one model. ``p_adjusted`` is ``p_value`` corrected over the suites of the
    comparison that only report, ``None`` for the others and without a test: above alpha, such a
    suite's verdict claims no change, and its intervals are still those of the suite alone.
    ``min_cases``: with fewer compared cases the rule cannot pass. ``second_opinions`` of other
    methods decide nothing; ``second_opinions_note`` says why there are none; nor do ``metrics``,
    ``fairness``, nor ``judges``, of each grader that asks a model, unless they could not judge.
    ``assumptions`` say in sentences what ``method`` takes for granted, ``slice_assumptions`` what
    the tests of the slices and their correction do: once for all slices, and nothing without one.
    ``errors`` and ``ungraded`` count cases with at least one failed call or ungraded answer of
    either model. A case is compared as long as both models have a graded answer to it;
    ``expected_cases`` - ``n`` are left out; ``bounds`` says what they could have changed, and the
    verdict allows for it.
    """

    suite: str
    purpose: Purpose
    rule: Literal["superior", "non_inferior", "equivalent", "report"]
    margin: float
    min_gain: float
    n: int
    clusters: int | None
    base_mean: float | None
    candidate_mean: float | None
    difference: float | None
    interval: Interval | None
    gate_interval: Interval | None
    p_value: float | None
    p_exact: float | None
    method: str
    verdict: Verdict
    flips: Flips
    broken_critical: tuple[str, ...]
    errors: int
    ungraded: int
    expected_cases: int
    smallest_margin: float | None
    cases_needed: int | None
    slices: tuple[SliceResult, ...] = ()
    note: str = ""
    change_sought: float | None = None
    flip_rates: FlipRates | None = None
    bounds: Bounds | None = None
    binary: bool = True
    variance: float | None = None
    noise: Noise | None = None
    stopping: Stopping | None = None
    repeats: RepeatedSamples | None = None
    p_adjusted: float | None = None
    min_cases: int = 0
    second_opinions: tuple[SecondOpinion, ...] = ()
    second_opinions_note: str = ""
    assumptions: tuple[str, ...] = ()
    slice_assumptions: tuple[str, ...] = ()
    judges: tuple[JudgeResult, ...] = ()
    metrics: SuiteMetrics | None = None
    fairness: FairnessResult | None = None

    @property
    def gate_intervals(self) -> tuple[Interval | None, ...]:
        """The interval that decides, and those of the bounds if an answer is missing."""
        ends = (self.bounds.worst, self.bounds.best) if self.bounds else ()
        return self.gate_interval, *(end.gate_interval for end in ends)

    @property
    def differences(self) -> tuple[float | None, ...]:
        """The difference seen, and those of the bounds if an answer is missing."""
        ends = (self.bounds.worst, self.bounds.best) if self.bounds else ()
        return self.difference, *(end.difference for end in ends)


@dataclass(frozen=True, slots=True)
class OverfitResult:
    """The gain on trained cases minus the gain on held-out cases of one suite, base as control.

    ``gap`` = mean difference on train - mean difference on held-out. ``interval`` is the gate's
    (1 - 2 alpha); flagged when all of it lies above ``max_gap``. ``p_value`` belongs to the test
    that the interval inverts, ``p_permutation`` is the studentised permutation test beside it.

    Flagged and held-out cases improved: ``mostly_memorised``; held their own: ``no_transfer``; got
    worse: ``harmful``. Not flagged: ``sound`` if the interval lies below ``max_gap``. All else is
    ``inconclusive``. ``assumptions`` are those of both tests.
    """

    suite: str
    n_train: int
    n_heldout: int
    base_train: float | None
    candidate_train: float | None
    base_heldout: float | None
    candidate_heldout: float | None
    gap: float | None
    interval: Interval | None
    p_value: float | None
    max_gap: float
    flagged: bool
    classification: OverfitClass
    note: str = ""
    expected_train: int = 0
    p_permutation: float | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One checkpoint (or the candidate itself) on one suite, for the learning curve.

    Means of the scores with Wilson or t limits; ``train`` is on cases the candidate learned from.
    """

    model: str
    step: int | None
    suite: str
    split: Literal["train", "heldout"]
    n: int
    mean: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """Proof that the candidate is the candidate: right name answered, answers differ from base.

    ``answered_as`` lists the names under which the candidate's endpoint answered, where it said so;
    ``compared`` counts held-out answers that both models gave, ``different`` those that differ.
    """

    answered_as: tuple[str, ...]
    compared: int
    different: int
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """One rule and how it came out.

    ``name`` is stable: the suite's name for kind ``suite``, else the kind; ``suite`` is set for the
    kinds ``suite``, ``critical`` and ``overfitting``. ``why`` says it in words with the numbers.
    ``inconclusive`` blocks promotion if the policy says so, ``reported`` never does.
    """

    name: str
    kind: Literal["suite", "critical", "overfitting", "identity", "run"]
    status: GateStatus
    why: str
    suite: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonDecision:
    """Everything decided about one candidate against one base.

    ``identity`` is ``None`` where there were scores only, ``selection`` where the candidate has no
    checkpoint with a score; it decides nothing.
    """

    base: str
    candidate: str
    outcome: Outcome
    reasons: tuple[str, ...]
    suites: tuple[SuiteResult, ...]
    overfitting: tuple[OverfitResult, ...]
    identity: IdentityResult | None
    gates: tuple[Gate, ...]
    learning_curve: tuple[CurvePoint, ...] = ()
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of a run. ``outcome`` is the worst of its comparisons'.

    ``families`` says in words which tests were corrected for multiplicity and how.
    ``partial`` is set when cases were deselected: such a run never promotes.
    """

    outcome: Outcome
    comparisons: tuple[ComparisonDecision, ...]
    alpha: float
    partial: bool
    policy_digest: str
    families: tuple[str, ...] = ()
    version: int = field(default=1)
