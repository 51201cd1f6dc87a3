"""What other methods say of a suite: secondary figures beside the verdict, which decide nothing.

| data | other methods |
|---|---|
| both scores 0 or 1 | McNemar mid-p and asymptotic, Newcombe 10 and 8, Bonett-Price, odds ratio |
| other scores | paired t where it does not decide, BCa, bootstrap-t, Wilcoxon's signed ranks |
| clusters | t with CR1 (with CR2 where it does not decide), studentised sign-flip |

They take what decides at its word: the same compared cases, the exact p-value beside every claim of
an improvement. What draws at random is left out above `MOST_DRAWN` units (.05 s), or `MOST_GRADED`
where differences take few values, as of scores in steps (.02 s): it would take .6 s for 10,000 of
many values, and there t and BCa have the same coverage. The studentised sign-flip is there for
clusters of unequal size only: with units of one size it is the sign-flip test itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, get_args

import numpy as np

from evalkit.decide.decision import Interval, SuiteResult, Verdict
from evalkit.decide.evidence import SuiteEvidence
from evalkit.decide.opinion_result import SecondOpinion
from evalkit.decide.pairs import Pairs
from evalkit.decide.reading import READING_LEVEL
from evalkit.decide.rules import AppliedRule
from evalkit.decide.seeds import generator
from evalkit.decide.verdict import exceeds, verdict_of
from evalkit.stats.arrays import TIE, FloatArray
from evalkit.stats.bootstrap import Kind, bootstrap
from evalkit.stats.clusters import CR1, CR2, bias_reduced_estimate, cluster_estimate
from evalkit.stats.odds_ratio import conditional_odds_ratio
from evalkit.stats.paired import FEW_CASES, is_thin, paired_units
from evalkit.stats.paired_binary import Limits as Intervals
from evalkit.stats.paired_binary import (
    PairedTable,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_mid_p,
    newcombe_interval,
)
from evalkit.stats.paired_scores import Estimate, estimate
from evalkit.stats.signed_rank import signed_rank
from evalkit.stats.studentised import studentised_sign_flip
from evalkit.stats.units import Units, case_units
from evalkit.stats.values import NotEstimable, Procedure, PValue

MOST_DRAWN = 500
"""Units up to which resamples and random flips are drawn."""
MOST_GRADED = 10_000
"""Cases up to which they are drawn where there are few distinct differences."""

_FEW_DISTINCT = 50

_WATCHED = "judged while asked, and these methods are for a number of cases fixed in advance"
_THIN = "so few carry the differences that their spread shows too little"
_NARROW = f"too narrow under {FEW_CASES} cases"
_UNEQUAL = "too narrow where clusters differ in size"
_EQUAL = "the same for clusters of one size"
_OF_SCORE = "the p-value of the score interval that decides"

_CHANGES: frozenset[Verdict] = frozenset(get_args(Verdict)) - {"non_inferior", "inconclusive"}


class Limits(Protocol):
    """A method's interval of the difference at any level."""

    def __call__(self, *, level: float) -> Interval | NotEstimable:
        """Return the two-sided interval at ``level``."""


@dataclass(frozen=True, slots=True)
class _Suite:
    """A suite's result, to hold other methods against."""

    result: SuiteResult
    rule: AppliedRule
    alpha: float

    @property
    def observed(self) -> Verdict:
        """The verdict of the deciding interval on the answers that came."""
        return self.result.bounds.observed if self.result.bounds else self.result.verdict


def second_opinions(
    part: SuiteEvidence, result: SuiteResult, *, rule: AppliedRule, alpha: float
) -> tuple[tuple[SecondOpinion, ...], str]:
    """Return what other methods say of the suite of ``result``, and why if there are none.

    ``result`` is the suite's own, before it is corrected for the number of suites.
    """
    pairs, suite = part.heldout, _Suite(result, rule, alpha)
    if part.watched:
        return (), _WATCHED
    if result.p_exact is None:
        return (), result.note
    rng = generator("second opinions", result.suite)
    if pairs.clusters is not None:
        units = paired_units(pairs.base, pairs.candidate, clusters=pairs.clusters)
        return tuple(_of_clusters(suite, units, rng=rng)), ""
    if result.binary:
        return tuple(_of_flips(suite, pairs)), ""
    return tuple(_of_scores(suite, case_units(pairs.candidate - pairs.base), rng=rng)), ""


def _of_flips(suite: _Suite, pairs: Pairs) -> Iterator[SecondOpinion]:
    base, candidate = pairs.base > 0, pairs.candidate > 0
    both, gained, lost, neither = (
        int(np.count_nonzero(cell))
        for cell in (base & candidate, ~base & candidate, base & ~candidate, ~(base | candidate))
    )
    mid, asymptotic = (float(test(gained, lost)[0]) for test in (mcnemar_mid_p, mcnemar_asymptotic))
    yield _p_alone(suite, "mid-p McNemar", mid)
    yield _p_alone(suite, "asymptotic McNemar", asymptotic, note=_OF_SCORE)
    table = PairedTable(both, gained, lost, neither)
    for many in (
        partial(newcombe_interval, table),
        partial(newcombe_interval, table, corrected=False),
        partial(bonett_price_interval, gained, lost, pairs.n),
    ):
        yield _of_limits(suite, _first(many))
    yield _odds_ratio(gained, lost)


def _first(many: Callable[..., Intervals]) -> Limits:
    """Return the limits of the one difference that ``many`` is asked about."""

    def limits(*, level: float) -> Interval:
        return many(level=level).at()

    return limits


def _odds_ratio(gained: int, lost: int) -> SecondOpinion:
    """Return the ratio with its limits; JSON has no word for an infinite one."""
    found = conditional_odds_ratio(gained, lost, level=READING_LEVEL)
    ratio, limits = found.estimate, found.interval
    method = "conditional odds ratio, Clopper-Pearson"
    nothing = SecondOpinion(method, "odds ratio", None, None, found.p_value.value)
    if isinstance(ratio, NotEstimable) or isinstance(limits, NotEstimable):
        return replace(nothing, note="no case was fixed or broken")
    if not lost:
        return replace(nothing, note=f"no case broke: infinite, at least {limits.low:.2f} (95 %)")
    return replace(nothing, estimate=ratio, interval=limits)


def _of_scores(suite: _Suite, units: Units, *, rng: np.random.Generator) -> Iterator[SecondOpinion]:
    thin = _THIN if is_thin(units) else ""
    yield from _spread(suite, "paired t", estimate(units, method="paired t"), note=thin)
    if units.count <= MOST_DRAWN or _in_steps(units):
        drawn = bootstrap(units, rng=rng)
        few = _NARROW if units.count < FEW_CASES else ""
        kinds: tuple[tuple[Kind, str], ...] = (("BCa", thin or few), ("bootstrap-t", thin))
        for kind, note in kinds:
            law = drawn if isinstance(drawn, NotEstimable) else drawn.law(kind)
            yield _of_procedure(suite, kind, law, note=note)
    yield _ranks(suite, units.sums)


def _in_steps(units: Units) -> bool:
    """Return whether the differences take so few values that drawing many of them is cheap."""
    return units.count <= MOST_GRADED and len(np.unique(units.sums.round(9))) <= _FEW_DISTINCT


def _of_clusters(
    suite: _Suite, units: Units, *, rng: np.random.Generator
) -> Iterator[SecondOpinion]:
    unequal = bool(np.ptp(units.sizes) > 0)
    thin = _THIN if is_thin(units) else ""
    sizes = _UNEQUAL if unequal else _EQUAL
    yield from _spread(suite, CR1, cluster_estimate(units), note=thin or sizes)
    yield from _spread(suite, CR2, bias_reduced_estimate(units), note=thin)
    if unequal and units.count <= MOST_DRAWN:
        found = studentised_sign_flip(units, rng=rng).p_value
        if isinstance(found, PValue):
            yield _p_alone(suite, found.method, found.value)


def _spread(
    suite: _Suite, method: str, found: Estimate | NotEstimable, *, note: str
) -> Iterator[SecondOpinion]:
    """Yield a t interval of the mean, unless it is the one that decides."""
    decides = suite.result.gate_interval
    if decides is None or decides.method != method:
        cut = found if isinstance(found, NotEstimable) else replace(found, bound=1.0)
        yield _of_procedure(suite, method, cut, note=note)


def _ranks(suite: _Suite, differences: FloatArray) -> SecondOpinion:
    found = signed_rank(differences)
    p, lean = found.p_value, found.estimate
    if isinstance(p, NotEstimable) or isinstance(lean, NotEstimable):
        none = SecondOpinion("Wilcoxon signed-rank", "rank-biserial correlation", None, None, None)
        return replace(none, note="no case differs")
    against = found.warning is not None
    shown = suite.observed in _CHANGES or p.value <= suite.alpha
    return SecondOpinion(
        method=f"Wilcoxon {p.method}",
        estimand="rank-biserial correlation",
        estimate=lean,
        interval=None,
        p_value=p.value,
        agrees=False if against and shown else None,
        note=_other_way(differences, gain=lean > 0) if against else "",
    )


def _other_way(differences: FloatArray, *, gain: bool) -> str:
    """Return how ranks can lean to a gain (or a loss) where the mean does not."""
    better, worse = (int(np.count_nonzero(sign * differences > TIE)) for sign in (1, -1))
    if gain and better > worse:
        why = f"more cases got better ({better}) than worse ({worse}), but the losses are larger"
    elif not gain and worse > better:
        why = f"more cases got worse ({worse}) than better ({better}), but the gains are larger"
    else:
        more, less = ("gains", "losses") if gain else ("losses", "gains")
        why = f"by their ranks the {more} outweigh the {less}, by their sums they do not"
    return f"points the other way: {why}"


def _p_alone(suite: _Suite, method: str, p: float, *, note: str = "") -> SecondOpinion:
    return SecondOpinion(method, "difference", suite.result.difference, None, p, note=note)


def _of_procedure(
    suite: _Suite, method: str, found: Procedure | NotEstimable, *, note: str
) -> SecondOpinion:
    if isinstance(found, NotEstimable):
        return SecondOpinion(
            method, "difference", suite.result.difference, None, None, note=found.why
        )
    opinion = _of_limits(suite, found.interval, note=note)
    return replace(opinion, method=found.method, p_value=found.p_value().value)


def _of_limits(suite: _Suite, limits: Limits, *, note: str = "") -> SecondOpinion:
    """Return the interval for reading, and the verdict that the method's gate interval gives."""
    levels = (READING_LEVEL, 1 - 2 * suite.alpha, 1 - suite.alpha)
    shown, gate, sure = (limits(level=level) for level in levels)
    interval = None if isinstance(shown, NotEstimable) else shown
    opinion = SecondOpinion(
        method=interval.method if interval else "",
        estimand="difference",
        estimate=suite.result.difference,
        interval=interval,
        p_value=None,
        note=shown.why if isinstance(shown, NotEstimable) else note,
    )
    if isinstance(gate, NotEstimable):
        return opinion
    exact = suite.result.p_exact
    gained = isinstance(sure, Interval) and exceeds(sure.low, 0)
    confirmed = gained and exact is not None and exact <= suite.alpha
    verdict = verdict_of(gate, margin=suite.rule.margin, gain_confirmed=confirmed)
    return replace(opinion, verdict=verdict, agrees=_agrees(suite, gate, verdict))


def _agrees(suite: _Suite, gate: Interval, verdict: Verdict) -> bool | None:
    """Return whether the rule comes out alike by ``gate`` and by the interval that decides."""
    decides, rule = suite.result.gate_interval, suite.rule
    if decides is None:
        return None
    asked = {"superior": rule.min_gain, "equivalent": rule.margin}.get(rule.rule, 0.0)
    if not asked:
        return verdict == suite.observed
    sides = [(exceeds(i.low, asked), exceeds(asked, i.high)) for i in (gate, decides)]
    return verdict == suite.observed and sides[0] == sides[1]
