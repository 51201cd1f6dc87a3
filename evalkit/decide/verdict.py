"""The verdict lattice: one interval, one margin, six verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.decide.decision import Interval, Verdict

_TIE = 1e-12


def exceeds(value: float, bound: float) -> bool:
    """Return whether ``value`` lies above ``bound`` by more than rounding: a tie is no proof.

    Limits of tests on a grid of scores fall right on a bound, a few last digits to either side.
    """
    return value > bound + _TIE


def verdict_of(gate: Interval | None, *, margin: float, gain_confirmed: bool) -> Verdict:
    """Return the verdict that the gate interval (1 - 2 alpha) gives against ``margin``.

    ===========================  =======================
    above 0 and confirmed        improved
    all below -margin            regressed_beyond_margin
    all below 0, above -margin   regressed_within_margin
    all below 0, crosses -margin regressed
    above -margin                non_inferior
    otherwise                    inconclusive
    ===========================  =======================

    ``gain_confirmed``: the test that the interval inverts and the exact test both find a change at
    two-sided alpha. A score interval alone claims improvements too easily when few pairs differ.
    """
    if gate is None:
        return "inconclusive"
    if exceeds(gate.low, 0) and gain_confirmed:
        return "improved"
    if exceeds(-margin, gate.high):
        return "regressed_beyond_margin"
    within = exceeds(gate.low, -margin)
    if exceeds(0, gate.high):
        return "regressed_within_margin" if within else "regressed"
    return "non_inferior" if within else "inconclusive"


_CLAIMS: dict[frozenset[str], Verdict] = {
    frozenset({"above 0", "above -margin"}): "improved",
    frozenset({"above -margin"}): "non_inferior",
    frozenset({"below 0", "above -margin"}): "regressed_within_margin",
    frozenset({"below 0"}): "regressed",
    frozenset({"below 0", "below -margin"}): "regressed_beyond_margin",
    frozenset(): "inconclusive",
}


def without_change(verdict: Verdict) -> Verdict:
    """Return what ``verdict`` claims beyond a change: at most that no important loss is possible.

    "improved" leaves "non_inferior", "regressed" leaves "inconclusive".
    """
    claims = {word: claim for claim, word in _CLAIMS.items()}
    return _CLAIMS[claims[verdict] & {"above -margin"}]


def common(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that claims exactly what all ``verdicts`` claim.

    "improved" and "non_inferior" have in common that no important loss is possible, so that is what
    remains; "improved" and "inconclusive" have nothing in common.
    """
    claims = {verdict: claim for claim, verdict in _CLAIMS.items()}
    return _CLAIMS[frozenset.intersection(*(claims[verdict] for verdict in verdicts))]
