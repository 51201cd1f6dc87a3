"""What is known of a suite's judges: plain frozen values, part of a suite's result."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide.opinion_result import Verdict
from evalkit.stats.values import Interval


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """Answers without a verdict, for one kind of reason."""

    why: str
    n: int


@dataclass(frozen=True, slots=True)
class JudgeNoise:
    """How much a judge's verdicts on one answer scatter, where it was asked more than once.

    ``spread`` is the standard deviation of single verdicts on one answer, on the score's scale, and
    ``answers`` how many show it. ``share`` is the part of the variance of the suite's mean
    difference, as the cases show it, that comes from the scatter, 1 at most; ``None`` where the
    judge alone is not the suite's score, or cases do not show a variance.
    """

    spread: float
    answers: int
    share: float | None


@dataclass(frozen=True, slots=True)
class PlaceBias:
    """How far a judge of pairs prefers the second place, whoever stands there: -1 to 1, 0 is none.

    ``n`` cases were judged in both orders. ``p_value`` is that of the exact sign test, which counts
    cases, or clusters where cases come in such: ``second`` of them preferred the second place on
    the whole, ``first`` the first. ``consistent`` is the share of pairs on which both orders gave
    one verdict.
    """

    estimate: float
    p_value: float
    second: int
    first: int
    n: int
    consistent: float


@dataclass(frozen=True, slots=True)
class PeopleAgreement:
    """A judge held against people's labels of ``n`` answers of base and candidate.

    Both as pass or fail (of pairs: won, tie, lost): ``raw`` is the share of equal ones with its
    interval (95 %, answers taken as independent), ``kappa`` Cohen's, ``ac1`` Gwet's; ``None`` is
    not estimable. ``skew`` warns where kappa is low only because nearly all answers have one label.
    ``gap`` is the mean absolute difference of the scores, and ``lean`` the mean of the judge's less
    the person's: above 0 the judge is the milder; both are ``None`` for embeddings, whose cosines
    are not on people's scale. ``stale`` labels are of other answers than those of this run, and
    count for nothing.
    """

    n: int
    stale: int
    raw: float | None
    interval: Interval | None
    kappa: float | None
    ac1: float | None
    skew: str
    gap: float | None
    lean: float | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A suite's difference with its judge's errors taken out by people's labels; decides nothing.

    ``labelled`` of ``cases`` compared cases have a label of both models' answers. ``interval`` is
    for reading (95 %). ``verdict`` is what the suite's would be if the corrected interval
    (1 - 2 alpha) decided, on the answers that came; ``agrees``: it is the one that the judge alone
    gives. ``None`` is not estimable, and ``note`` says why.
    """

    difference: float | None
    interval: Interval | None
    method: str
    labelled: int
    cases: int
    verdict: Verdict | None
    agrees: bool | None
    note: str = ""
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """One grader of a suite that asks a model, on the held-out answers of base and candidate.

    ``asked_as`` is the model's name in the request, ``answered_as`` the names under which it
    answered. ``judged`` answers have a verdict; ``no_verdict`` counts the others. ``noise`` is
    there where an answer was judged more than once, ``position`` where pairs were judged in both
    orders, ``people`` where there are labels, ``corrected`` where there are labels and the grader
    alone is the suite's score, embeddings apart.
    """

    grader: str
    asked_as: str
    answered_as: tuple[str, ...]
    judged: int
    no_verdict: tuple[NoVerdict, ...] = ()
    noise: JudgeNoise | None = None
    position: PlaceBias | None = None
    people: PeopleAgreement | None = None
    corrected: Corrected | None = None
