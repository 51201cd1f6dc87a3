"""Error rates of what is said about confidences: proper scores, calibration error and its change.

Methods named "naive" stand beside, to show what they would have said; any rate is allowed to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import ndtr

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.calibration import CERTAIN, Attempts, brier_scores, case_means, log_losses
from evalkit.stats.calibration_error import calibration_change, calibration_error, equal_width
from evalkit.stats.paired import choose_procedure, paired_units
from evalkit.stats.values import Interval, NotEstimable
from evalkit.validation.rates import Rate, Study

Scorer = Callable[[Attempts], FloatArray | NotEstimable]

_ANY = (0.0, 1.0)
_CHANGE = "RMS calibration error, change"


def change_of_error(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms and power of the test of two calibration errors where neither, or one, is 0."""
    for n, runs, better in ((150, 600, False), (300, 300, True)):
        found = 0
        for _ in range(runs):
            ability = rng.beta(3, 2, (n, 1))
            models = [_overconfident(rng, ability, by) for by in (0.15, 0.0 if better else 0.15)]
            found += _differ(rng, *models)
        if better:
            where = f"n={n}, base overconfident by 15 points, candidate not"
            yield Rate(_CHANGE, where, "power", 0.8, found / runs, runs, (0.65, 1.0))
        else:
            where = f"n={n}, both overconfident by 15 points"
            yield Rate(_CHANGE, where, "false alarms", 0.05, found / runs, runs, (0.0, 0.06))


def change_between_laws(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms where both are calibrated, or as far off, but confidences are of other laws."""
    runs = 600
    for one, other, n, (attempts, size), off in _SETTINGS:
        clusters, found = np.arange(n) // size, 0
        for _ in range(runs):
            models = [
                _answered(rng, np.repeat(_LAWS[law](rng, n)[:, None], attempts, axis=1), size, by)
                for law, by in zip((one, other), off, strict=True)
            ]
            found += _differ(rng, *models, clusters=clusters if size > 1 else None)
        where = f"n={n}"
        where += f", {attempts} attempts" if attempts > 1 else ""
        where += f", clusters of {size}" if size > 1 else ""
        where += f", off by {off[0]} and {off[1]}" if any(off) else ", both calibrated"
        where += f", base {one}, candidate {other}"
        most = 0.08 if any(off) else 0.05
        yield Rate(_CHANGE, where, "false alarms", 0.05, found / runs, runs, (0.0, most))


def change_in_unequal_clusters(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms where a few clusters hold most cases; 64 % of pairs in one share their luck."""
    runs, sizes = 600, np.array([2] * 60 + [30] * 8)
    clusters, law = np.repeat(np.arange(len(sizes)), sizes), "from .55 to .95"
    for by, most in ((0.0, 0.05), (0.15, 0.08)):
        found = 0
        for _ in range(runs):
            models = []
            for _ in range(2):
                stated = _LAWS[law](rng, len(clusters))
                alike = rng.random(len(clusters)) < 0.8
                common = rng.random(len(sizes))[clusters]
                luck = np.where(alike, common, rng.random(len(clusters)))
                models.append(Attempts(stated, (luck < stated - by).astype(np.float64)))
            found += _differ(rng, models[0], models[1], clusters=clusters)
        where = "60 clusters of 2 and 8 of 30, "
        where += f"both overconfident by {by * 100:.0f} points" if by else "both calibrated"
        yield Rate(_CHANGE, where, "false alarms", 0.05, found / runs, runs, (0.0, most))


def _answered(rng: np.random.Generator, stated: FloatArray, size: int, by: float) -> Attempts:
    """Return attempts (cases x attempts) right with the chance stated less ``by``.

    Attempts at a case, and cases of a cluster of ``size``, have half of their luck in common.
    """
    n, attempts = stated.shape
    common = np.repeat(rng.standard_normal((n // size, 1)), size, axis=0)
    share = 0.5 if size > 1 or attempts > 1 else 0.0
    luck = math.sqrt(share) * common + math.sqrt(1 - share) * rng.standard_normal(stated.shape)
    return Attempts(stated, (ndtr(luck) < stated - by).astype(np.float64))


def _among(*values: float) -> Callable[[np.random.Generator, int], FloatArray]:
    return lambda rng, n: rng.choice(np.array(values), n)


_LAWS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "from .55 to .95": _among(0.55, 0.65, 0.75, 0.85, 0.95),
    "from .05 to .95": _among(*np.arange(0.05, 1, 0.1)),
    "mostly .95": _among(0.75, *[0.95] * 9),
    ".05 or .95": _among(0.05, 0.95),
    "0 or 1": _among(0.0, 1.0),
    "beta (5, 2)": lambda rng, n: rng.beta(5, 2, n),
    **{f"always .{p}": _among(p / 100) for p in (50, 75, 85, 95, 97, 99)},
}

_NONE, _ONCE = (0.0, 0.0), (1, 1)
_SETTINGS = (
    ("from .55 to .95", "always .85", 200, _ONCE, _NONE),
    ("from .55 to .95", "mostly .95", 200, _ONCE, _NONE),
    ("from .55 to .95", "always .75", 500, _ONCE, _NONE),
    ("from .05 to .95", "always .75", 50, _ONCE, _NONE),
    ("from .05 to .95", "always .75", 500, _ONCE, _NONE),
    ("from .05 to .95", ".05 or .95", 200, _ONCE, _NONE),
    ("always .50", "0 or 1", 200, _ONCE, _NONE),
    ("always .50", "always .95", 200, _ONCE, _NONE),
    ("always .97", "always .99", 50, _ONCE, _NONE),
    ("beta (5, 2)", "always .99", 50, _ONCE, _NONE),
    ("beta (5, 2)", "always .99", 250, (1, 5), _NONE),
    ("mostly .95", "always .95", 250, (1, 5), _NONE),
    ("from .05 to .95", "always .75", 50, (3, 1), _NONE),
    ("from .55 to .95", "always .85", 200, _ONCE, (0.15, 0.15)),
    ("from .55 to .95", "always .85", 200, _ONCE, (0.1, -0.1)),
    ("from .55 to .95", "always .85", 250, (1, 5), (0.1, -0.1)),
)
"""Laws of both models' confidences, cases, (attempts, size of a cluster), by how much off."""


def _differ(
    rng: np.random.Generator,
    base: Attempts,
    candidate: Attempts,
    *,
    clusters: IntArray | None = None,
) -> bool:
    found = calibration_change(
        base, candidate, bins=equal_width(), clusters=clusters, rng=rng, resamples=499
    )
    return not isinstance(found, NotEstimable) and found.p_value.value <= 0.05


def error_itself(rng: np.random.Generator) -> Iterator[Rate]:
    """How often the error of a perfectly calibrated model is put too high; its plain bootstrap."""
    runs, bins = 2_000, equal_width(15)
    for n in (200, 2_000):
        above = plain = 0
        for _ in range(runs):
            found = calibration_error(_overconfident(rng, rng.beta(3, 2, (n, 1)), 0.0), bins)
            if isinstance(found, NotEstimable) or isinstance(found.squared, NotEstimable):
                continue
            above += found.squared > 0
            plain += found.estimate > 0
        where = f"n={n}, 15 bins, truth 0: put above the truth"
        # Unbiased in the mean; its law leans to the right, so its median lies a little below 0.
        name = "debiased squared error"
        yield Rate(name, where, "false alarms", 0.5, above / runs, runs, (0.40, 0.52))
        yield Rate("naive: ECE", where, "false alarms", 0.5, plain / runs, runs, _ANY)
    held, runs, n = 0, 300, 500
    for _ in range(runs):
        held += _bootstrap_holds(rng, rng.beta(3, 2, n))
    where = f"n={n}, 15 bins, truth 0"
    yield Rate(
        "naive: percentile bootstrap of ECE", where, "coverage", 0.95, held / runs, runs, _ANY
    )


def _bootstrap_holds(rng: np.random.Generator, p: FloatArray) -> bool:
    """Return whether the percentile bootstrap's interval of the ECE holds 0."""
    n = len(p)
    off = p - (rng.random(n) < p)
    which = equal_width(15).of(p)
    table = np.zeros((n, 15))
    table[np.arange(n), which] = off
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=199) @ table
    return bool(np.quantile(np.abs(drawn).sum(axis=1) / n, 0.025) <= 1e-9)


def proper_scores(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of the paired difference of Brier scores and log losses.

    By the procedure that `loss_difference` chooses, without the permutation test beside it.
    """
    for rule, scorer in (("Brier score", brier_scores), ("log loss", log_losses)):
        truth = float(_lower_by(scorer, rng, rng.beta(3, 2, (1_000_000, 1))).mean())
        for n, attempts, clustered, most in (
            (60, 1, False, 1.0),
            (200, 3, False, 0.97),
            (200, 1, True, 0.985),
        ):
            runs, held = 1_000, 0
            groups = np.arange(n) // 5 if clustered else None
            for _ in range(runs):
                size = 5 if clustered else 1
                ability = np.repeat(rng.beta(3, 2, (n // size, 1)), size, axis=0)
                lower = _lower_by(scorer, rng, np.repeat(ability, attempts, axis=1))
                units = paired_units(np.zeros(n), lower, clusters=groups)
                found = choose_procedure(units, binary=False, rng=rng)
                if not isinstance(found, NotEstimable):
                    held += _holds(found.interval(level=0.95), truth)
            where = f"n={n}, {attempts} attempts{', clusters of 5' if clustered else ''}"
            name = f"{rule}, paired difference"
            yield Rate(name, where, "coverage", 0.95, held / runs, runs, (0.93, most))


def _lower_by(scorer: Scorer, rng: np.random.Generator, ability: FloatArray) -> FloatArray:
    """Return by how much of the largest loss a candidate beats an overconfident base, by case."""
    largest = 1.0 if scorer is brier_scores else -math.log(CERTAIN)
    losses = [scorer(_overconfident(rng, ability, by)) for by in (0.15, 0.0)]
    means = [case_means(found) for found in losses if not isinstance(found, NotEstimable)]
    return (means[0] - means[1]) / largest


def _overconfident(rng: np.random.Generator, ability: FloatArray, by: float) -> Attempts:
    """Return attempts that are right with ``ability`` and say so, plus ``by``."""
    right = (rng.random(ability.shape) < ability).astype(np.float64)
    return Attempts(np.clip(ability + by, 0, 1), right)


def _holds(interval: Interval | NotEstimable, truth: float) -> bool:
    return not isinstance(interval, NotEstimable) and interval.low <= truth <= interval.high


STUDIES: tuple[Study, ...] = (
    change_of_error,
    change_between_laws,
    change_in_unequal_clusters,
    error_itself,
    proper_scores,
)
