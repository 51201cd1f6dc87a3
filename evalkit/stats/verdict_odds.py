"""How likely each verdict is before a run: by design, if nothing changed or a given change is true.

This is what "how much power has this suite" comes to for a gate with six verdicts. The lattice is
that of `evalkit.decide.verdict`: one interval at 1 - 2 alpha, a margin, and a gain only where two
tests find it. Each of its bounds is crossed once as the gains grow (at a fixed number of discordant
pairs, or a fixed standard error), so four crossing points give all six probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtrit

from evalkit.stats.arrays import FloatArray
from evalkit.stats.assumptions import Assuming
from evalkit.stats.exact_power import (
    ENUMERATED,
    EXACT,
    BinaryDesign,
    chance_of_gained,
    discordant_law,
    gain_found,
    least_gained,
)
from evalkit.stats.paired_binary import tango_statistic
from evalkit.stats.score_power import ScoreDesign, mean_below, over_errors
from evalkit.stats.values import NotEstimable


@dataclass(frozen=True, slots=True)
class VerdictOdds(Assuming):
    """The probability of each verdict where ``difference`` is true; they sum to 1."""

    difference: float
    method: str
    improved: float
    non_inferior: float
    regressed_within_margin: float
    regressed: float
    regressed_beyond_margin: float
    inconclusive: float

    @property
    def holds_margin(self) -> float:
        """The probability that a guard passes: no important loss is possible."""
        return self.improved + self.non_inferior + self.regressed_within_margin


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Probabilities of having crossed each bound, for one or many conditions at a time.

    ``not_beyond``: the upper limit reaches -margin; ``not_lost``: it reaches 0; ``within``: the
    lower limit exceeds -margin; ``gain``: an improvement.
    """

    not_beyond: FloatArray
    not_lost: FloatArray
    within: FloatArray
    gain: FloatArray

    def verdicts(self) -> FloatArray:
        """Return the six probabilities in the order of `VerdictOdds`."""
        held = np.minimum(self.within, self.not_lost)
        parts = [
            self.gain,
            held - self.gain,
            np.maximum(self.within - self.not_lost, 0),
            self.not_beyond - np.maximum(self.within, self.not_lost),
            1 - self.not_beyond,
            np.maximum(self.not_lost - self.within, 0),
        ]
        return np.stack(parts)


def verdict_odds(
    design: BinaryDesign | ScoreDesign, margin: float, *, alpha: float = 0.05
) -> VerdictOdds | NotEstimable:
    """Return the odds of the six verdicts of a suite with ``margin``, at one-sided ``alpha``.

    Binary designs by enumeration (up to 1,000,000 cases, then as scores with the variance of their
    differences); scores by their t interval for normal differences.
    """
    if design.fault:
        return NotEstimable(design.fault)
    if not (0 <= margin <= 1 and 0 < alpha < 0.5):
        return NotEstimable("a margin between 0 and 1 and an alpha between 0 and 0.5 are needed")
    if isinstance(design, ScoreDesign):
        return _of_scores(design, margin, alpha)
    if design.n > ENUMERATED:
        spread = max(design.variance, 1e-12)
        return _of_scores(ScoreDesign(design.n, spread, design.difference), margin, alpha)
    return _of_pairs(design, margin, alpha)


def planned_odds(
    design: BinaryDesign | ScoreDesign, margin: float, *, min_gain: float = 0.0, alpha: float = 0.05
) -> tuple[VerdictOdds | NotEstimable, ...]:
    """Return the odds if nothing changed, if ``margin`` is lost and, where any, ``min_gain`` won.

    The second says how often a model exactly at its margin is promoted, the first how often one
    that is as good as its base.
    """
    truths = (0.0, -margin, *([min_gain] if min_gain > 0 else []))
    return tuple(verdict_odds(replace(design, difference=d), margin, alpha=alpha) for d in truths)


def _of_pairs(design: BinaryDesign, margin: float, alpha: float) -> VerdictOdds:
    m, mass = discordant_law(np.array([float(design.n)]), design.discordant)
    z = -float(ndtri(alpha))

    def statistic(gained: FloatArray, null: float) -> FloatArray:
        return tango_statistic(gained, m - gained, design.n, null=null)

    least = (
        least_gained(m, lambda b: statistic(b, -margin) >= -z),
        least_gained(m, lambda b: statistic(b, 0.0) >= -z),
        least_gained(m, lambda b: statistic(b, -margin) > z),
        least_gained(m, lambda b: (statistic(b, 0.0) > z) & gain_found(b, m, alpha=alpha)),
    )
    crossed = _Crossed(*(chance_of_gained(bound, m, design) for bound in least))
    return _odds(design.difference, crossed.verdicts() @ mass[0], EXACT)


def _of_scores(design: ScoreDesign, margin: float, alpha: float) -> VerdictOdds:
    t, strict = (-float(stdtrit(design.df, tail)) for tail in (alpha, alpha / 2))

    def chances(error: FloatArray) -> FloatArray:
        bounds = (-margin - t * error, -t * error, -margin + t * error, strict * error)
        return _Crossed(*(1 - mean_below(bound, design) for bound in bounds)).verdicts()

    parts = over_errors(design, chances)
    return _odds(design.difference, parts, "t interval of normal differences")


def _odds(difference: float, parts: FloatArray, method: str) -> VerdictOdds:
    shares = np.maximum(parts, 0.0) / np.maximum(parts, 0.0).sum()
    return VerdictOdds(difference, method, *(float(share) for share in shares))
