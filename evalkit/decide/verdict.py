"""The verdict lattice: one interval, one margin, six verdicts."""

from __future__ import annotations

from evalkit.decide.decision import Interval, Verdict

_TIE = 1e-12


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
    if gate.low > _TIE and gain_confirmed:
        return "improved"
    if gate.high < -margin - _TIE:
        return "regressed_beyond_margin"
    within = gate.low > -margin + _TIE
    if gate.high < -_TIE:
        return "regressed_within_margin" if within else "regressed"
    return "non_inferior" if within else "inconclusive"
