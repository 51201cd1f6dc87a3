"""Error rates of what is said about judges: agreement, correction by labels, position and length.

Methods named "naive" stand beside, to show what they would have said; any rate is allowed to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evalkit.stats.agreement import (
    AgreementTable,
    Chance,
    cohen_kappa,
    even_chance,
    product_chance,
    score_limits,
    weight_matrix,
)
from evalkit.stats.arrays import FloatArray, normal_quantile
from evalkit.stats.judge_correction import (
    JudgeCounts,
    Labelled,
    PredictionPowered,
    Unlabelled,
    prediction_powered,
    rogan_gladen,
)
from evalkit.stats.krippendorff import krippendorff_alpha
from evalkit.stats.pairwise import length_controlled, position_bias, preference
from evalkit.stats.retest import retest_reliability
from evalkit.stats.values import Interval, NotEstimable, PValue
from evalkit.validation.rates import Rate, Study

_ANY = (0.0, 1.0)


def agreement(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of kappa and AC1 by the score interval, and by Wald's."""
    settings: list[tuple[int, Sequence[float], float, tuple[float, float]]] = [
        (20, (0.5, 0.5), 0.6, (0.94, 0.97)),
        (20, (0.9, 0.1), 0.9, (0.89, 1.0)),
        (50, (0.9, 0.1), 0.6, (0.94, 0.97)),
        (50, (0.9, 0.1), 0.9, (0.93, 0.97)),
        (50, (0.2,) * 5, 0.5, (0.94, 0.96)),
        (200, (0.6, 0.3, 0.1), 0.7, (0.94, 0.965)),
    ]
    runs = 3_000
    for n, shares, kappa, allowed in settings:
        margin = np.array(shares)
        law = kappa * np.diag(margin) + (1 - kappa) * np.outer(margin, margin)
        drawn = rng.multinomial(n, law.ravel(), size=runs).reshape(runs, *law.shape)
        where = f"n={n}, kappa {kappa}, most frequent label {max(shares):.0%}"
        for name, chance in (("Cohen's kappa", product_chance), ("Gwet's AC1", even_chance)):
            covered, counted = _covered(drawn, law, n=n, chance=chance)
            yield Rate(f"{name}, score", where, "coverage", 0.95, covered, counted, allowed)
        covered, counted = _wald_covers(drawn, kappa)
        yield Rate("naive: Cohen's kappa, Wald", where, "coverage", 0.95, covered, counted, _ANY)


def _covered(
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    law: FloatArray,
    *,
    n: int,
    chance: Chance,
) -> tuple[float, int]:
    """Return the share of tables whose interval holds the truth, of those that have one."""
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    tables = kinds / n
    weights = weight_matrix(len(law), "nominal")
    known = chance(tables, weights)[0] < 1 - 1e-12
    low, high = score_limits(tables[known], weights, chance, n=n, level=0.95)
    by_chance = float(chance(law[None], weights)[0][0])
    truth = (float(np.trace(law)) - by_chance) / (1 - by_chance)
    held = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
    counted = int(counts[known].sum())
    return float(counts[known] @ held) / counted, counted


def _wald_covers(
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.int64]], truth: float
) -> tuple[float, int]:
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    held = counted = 0
    for table, count in zip(kinds, counts, strict=True):
        found = cohen_kappa(AgreementTable(table.astype(float), tuple(range(len(table)))))
        if isinstance(found, NotEstimable):
            continue
        counted += int(count)
        held += int(count) * _holds(found.wald(level=0.95), truth)
    return held / counted, counted


def agreement_of_many(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of Krippendorff's alpha and of the ICC."""
    runs = 500
    for scale, allowed in (("nominal", (0.92, 0.975)), ("interval", (0.915, 0.97))):
        held = 0
        for _ in range(runs):
            if scale == "nominal":
                ratings = np.where(rng.random((50, 3)) < 0.75, rng.integers(0, 3, (50, 1)), -1.0)
                ratings = np.where(ratings < 0, rng.integers(0, 3, (50, 3)), ratings)
                found = krippendorff_alpha(ratings, scale="nominal", rng=rng, resamples=500)
                truth = 0.75**2
            else:
                scores = rng.normal(0, 0.7**0.5, (50, 1)) + rng.normal(0, 0.3**0.5, (50, 3))
                found = krippendorff_alpha(scores, scale="interval", rng=rng, resamples=500)
                truth = 0.7
            held += not isinstance(found, NotEstimable) and _holds(found.interval, truth)
        name = f"Krippendorff's alpha, {scale}"
        yield Rate(name, "50 items, 3 raters", "coverage", 0.95, held / runs, runs, allowed)
    held, runs = 0, 2_000
    for _ in range(runs):
        scores = rng.normal(0, 0.8**0.5, (30, 1)) + rng.normal(0, 0.2**0.5, (30, 3))
        icc = retest_reliability(scores)
        held += not isinstance(icc, NotEstimable) and _holds(icc.interval, 0.8)
    yield Rate("ICC(2,1)", "30 items, 3 runs", "coverage", 0.95, held / runs, runs, (0.94, 0.965))


def corrected_rate(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of the share of good cases behind an erring judge, and by the delta method."""
    runs = 800
    for n, labels, share, power in (
        (200, 20, 0.9, (0.95, 0.9)),
        (500, 50, 0.98, (0.99, 0.9)),
        (1000, 200, 0.8, (0.7, 0.6)),
    ):
        s, t = power
        rate = share * s + (1 - share) * (1 - t)
        held = naive = counted = 0
        for x, a, b in zip(
            rng.binomial(n, rate, runs),
            rng.binomial(labels, s, runs),
            rng.binomial(labels, t, runs),
            strict=True,
        ):
            found = rogan_gladen(JudgeCounts(int(x), n, int(a), labels, int(b), labels))
            if isinstance(found, NotEstimable):
                continue
            counted += 1
            held += found.p_value(null=share).value > 0.05
            naive += _delta_holds(found.estimate, found.counts, share)
        where = f"n={n}, {labels} good and bad labelled, judge {s}/{t}, truth {share}"
        measured = held / counted
        yield Rate("Rogan-Gladen", where, "coverage", 0.95, measured, counted, (0.94, 0.975))
        name = "naive: Rogan-Gladen, delta method"
        yield Rate(name, where, "coverage", 0.95, naive / counted, counted, _ANY)


def _delta_holds(estimate: float, counts: JudgeCounts, truth: float) -> bool:
    q, s, t = counts.positive / counts.n, counts.sensitivity, counts.specificity
    variance = q * (1 - q) / counts.n + estimate**2 * s * (1 - s) / counts.good
    variance += (1 - estimate) ** 2 * t * (1 - t) / counts.bad
    return bool(abs(estimate - truth) <= normal_quantile(0.95) * variance**0.5 / (s + t - 1))


def prediction_power(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage and power of the prediction-powered paired difference beside labels alone."""
    for labels, cases, noise, runs in (
        (30, 300, 0.3, 1500),
        (50, 500, 0.1, 1500),
        (200, 1000, 0.3, 1000),
    ):
        covered, shown = np.zeros(2), np.zeros(2)
        for _ in range(runs):
            found = _judged(rng, labels, cases, noise)
            for i, procedure in enumerate((found.procedure, found.classical)):
                if isinstance(procedure, NotEstimable):
                    continue
                interval = procedure.interval(level=0.95)
                covered[i] += _holds(interval, 0.1)
                shown[i] += interval.low > 0
        where = f"{labels} labels, {cases} more cases, judge wrong in {noise * 2 / 3:.0%}"
        allowed = [(0.94, 1.0), (0.92, 0.965)]
        for i, name in enumerate(("prediction-powered difference", "difference, labels alone")):
            yield Rate(name, where, "coverage", 0.95, float(covered[i]) / runs, runs, allowed[i])
        # What it is worth: more often than labels alone it shows the gain that there is.
        alone, powered = (float(x) / runs for x in (shown[1], shown[0]))
        name = "prediction-powered difference, against labels alone"
        yield Rate(name, where, "power", alone, powered, runs, (alone, 1.0))


def _judged(rng: np.random.Generator, labels: int, cases: int, noise: float) -> PredictionPowered:
    n = labels + cases
    true = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.7, 0.2], size=n)
    judge = np.where(rng.random(n) < noise, rng.choice([-1.0, 0.0, 1.0], size=n), true)
    found = prediction_powered(
        Labelled(true[:labels], judge[:labels]), Unlabelled(judge[labels:]), bounds=(-1, 1)
    )
    if isinstance(found, NotEstimable):
        raise TypeError(found.why)
    return found


def positions(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms of position bias, coverage with bias, and a judge that looks at places only."""
    runs, n = 1_000, 80
    for bias, label in ((0.0, "no bias"), (0.2, "bias 0.2")):
        alarms = held = preferred = 0
        for _ in range(runs):
            better = rng.random(n) < 0.5
            second, first = (
                np.where(rng.random(n) < 0.3, rng.random(n) < 0.5 + side * bias / 0.6, better)
                for side in (1, -1)
            )
            found = position_bias(second.astype(float), first.astype(float), rng=rng)
            alarms += isinstance(found.sign_test, PValue) and found.sign_test.value <= 0.05
            if not isinstance(found.procedure, NotEstimable):
                held += _holds(found.procedure.interval(level=0.95), bias)
            net = preference(second.astype(float), first.astype(float), rng=rng)
            if not isinstance(net.procedure, NotEstimable):
                preferred += net.procedure.p_value().value <= 0.05
        where = f"n={n}, {label}"
        yield Rate("position bias", where, "coverage", 0.95, held / runs, runs, (0.94, 0.97))
        if not bias:
            yield Rate("sign test", where, "false alarms", 0.05, alarms / runs, runs, (0, 0.05))
        name = "preference from both orders"
        yield Rate(name, where, "false alarms", 0.05, preferred / runs, runs, (0, 0.06))


def lengths(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of the length-controlled preference where only length is preferred."""
    runs = 1_500
    for n, clustered in ((30, False), (200, False), (200, True)):
        held = naive = 0
        groups = np.arange(n) // 5
        for _ in range(runs):
            extra = rng.normal(0, 1, n) + (
                np.repeat(rng.normal(0, 1, n // 5), 5) if clustered else 0
            )
            # The longer answer wins more often, and the candidate's tend to be longer.
            extra = extra + 0.5
            wins = rng.random(n) < 0.5 + 0.3 * np.tanh(extra / extra.std(ddof=1))
            found = length_controlled(
                wins.astype(float), extra, clusters=groups if clustered else None
            )
            if isinstance(found, NotEstimable):
                continue
            held += _holds(found.procedure.interval(level=0.95), 0.0)
            naive += abs(found.raw) <= 1.96 / n**0.5
        where = f"n={n}{', clusters of 5' if clustered else ''}, longer answers win"
        measured, name = held / runs, "length-controlled preference"
        yield Rate(name, where, "coverage", 0.95, measured, runs, (0.93, 0.97))
        name = "naive: preference without length"
        yield Rate(name, where, "coverage", 0.95, naive / runs, runs, _ANY)


def _holds(interval: Interval | NotEstimable, truth: float) -> bool:
    return not isinstance(interval, NotEstimable) and interval.low <= truth <= interval.high


STUDIES: tuple[Study, ...] = (
    agreement,
    agreement_of_many,
    corrected_rate,
    prediction_power,
    positions,
    lengths,
)
