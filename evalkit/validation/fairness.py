"""Error rates of what is said about terms, slices, flips, single cases and the gate itself (A/A).

Methods named "naive" stand beside, to show what they would have said; any rate is allowed to them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.stats.a_a import GateSettings, gate_false_alarms, noise_floor
from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.equivalence import tost
from evalkit.stats.fairness import (
    deviation_changes,
    difference_change,
    term_deviations,
    term_gap,
    terms_equivalent,
)
from evalkit.stats.flips import Ratio, Share, excess_churn, flip_analysis
from evalkit.stats.paired_binary import TangoScore
from evalkit.stats.regressed_cases import Successes, regressed_cases
from evalkit.stats.slices import slice_difference, slice_gaps
from evalkit.stats.units import case_units
from evalkit.stats.values import Interval, NotEstimable, PValue
from evalkit.validation.rates import Rate, Study

_ANY = (0.0, 1.0)


def terms(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms where no term matters: the gap, Friedman's test, any term by max-T."""
    runs, n = 1_000, 30
    for kind in ("binary", "graded"):
        gap = friedman = family = naive = 0
        for _ in range(runs):
            scores = _templates(rng, n, 5, binary=kind == "binary")
            found = term_gap(scores, rng=rng, resamples=199)
            gap += _rejects(found.p_value)
            friedman += _rejects(found.friedman)
            every = term_deviations(scores, rng=rng, resamples=199)
            family += any(_rejects(d.adjusted) for d in every)
            own = [d.joint.alone[d.term] for d in every]
            naive += any(not isinstance(p, NotEstimable) and _rejects(p.p_value()) for p in own)
        where = f"{n} templates, 5 terms, {kind}"
        rates = {
            "max-min gap of terms": (gap, (0.0, 0.05)),
            "Friedman": (friedman, (0.0, 0.06)),
            "any term, max-T": (family, (0.0, 0.06)),
            "naive: any term, uncorrected": (naive, _ANY),
        }
        for name, (count, allowed) in rates.items():
            yield Rate(name, where, "false alarms", 0.05, count / runs, runs, allowed)


def change_of_difference(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of the change of a difference and of all terms; false alarms of any term's."""
    runs, n = 800, 60
    held = alarms = joint = 0
    for _ in range(runs):
        base, candidate = (_templates(rng, n, 4, binary=True) for _ in range(2))
        every = deviation_changes(base, candidate, rng=rng, resamples=199)
        alarms += any(_rejects(d.adjusted) for d in every)
        # A quarter of the candidate's right answers about the first term are lost.
        candidate[:, 0] *= rng.random(n) < 0.75
        every = deviation_changes(base, candidate, rng=rng, resamples=199)
        truth = -0.25 * 0.7 * np.array([0.75, -0.25, -0.25, -0.25])
        joint += all(_holds(d.interval(level=0.95), truth[d.term]) for d in every)
        found = difference_change(base, candidate, first=0, second=1, rng=rng)
        if not isinstance(found.procedure, NotEstimable):
            held += _holds(found.procedure.interval(level=0.95), -0.25 * 0.7)
    where = f"{n} templates"
    name = "change of the difference of two terms"
    yield Rate(name, where, "coverage", 0.95, held / runs, runs, (0.93, 0.975))
    name, where = "change of any term, max-T", f"{n} templates, 4 terms"
    yield Rate(name, where, "false alarms", 0.05, alarms / runs, runs, (0.0, 0.06))
    name, where = "limits for all terms at once, max-T", f"{n} templates, 4 terms, one changed"
    yield Rate(name, where, "coverage", 0.95, joint / runs, runs, (0.93, 0.98))


def terms_in_clusters(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms where clusters of templates have terms that differ, but not on average."""
    runs = 500
    for sizes, words in (
        ([8] * 12, "12 clusters of 8 templates"),
        ([2, 2, 3, 3, 4, 4, 6, 8, 10, 15, 20, 30], "12 clusters of 2 to 30 templates"),
    ):
        label = np.repeat(np.arange(len(sizes)), sizes)
        for k in (2, 3):
            gap = change = naive = beyond = 0
            for _ in range(runs):
                base = np.asarray(rng.random((len(label), k)) < 0.5, dtype=np.float64)
                chance = rng.choice([0.1, 0.9], (len(sizes), k))[label]
                candidate = np.asarray(rng.random(chance.shape) < chance, dtype=np.float64)
                found = term_gap(candidate, clusters=label, rng=rng, resamples=199)
                gap += _rejects(found.p_value)
                change += _changed(base, candidate, label, rng=rng)
                naive += _changed(base, candidate, np.arange(len(label)), rng=rng)
                alike = terms_equivalent(candidate, margin=0.05, clusters=label, rng=rng)
                beyond += alike.verdict == "not equivalent"
            what = "the difference of two terms" if k == 2 else "any term, max-T"
            rates = {
                "max-min gap of terms": (gap, (0.0, 0.05)),
                f"change of {what}": (change, (0.0, 0.06)),
                f"naive: change of {what}, templates as units": (naive, _ANY),
                "terms not equivalent, margin 0.05": (beyond, (0.0, 0.05)),
            }
            for name, (count, allowed) in rates.items():
                where = f"{words}, {k} terms"
                yield Rate(name, where, "false alarms", 0.05, count / runs, runs, allowed)


def _changed(
    base: FloatArray, candidate: FloatArray, clusters: IntArray, *, rng: np.random.Generator
) -> bool:
    """Return whether any change between terms is called significant."""
    if base.shape[1] > 2:
        every = deviation_changes(base, candidate, clusters=clusters, rng=rng, resamples=199)
        return any(_rejects(d.adjusted) for d in every)
    found = difference_change(base, candidate, first=0, second=1, clusters=clusters, rng=rng)
    procedure = found.procedure
    return not isinstance(procedure, NotEstimable) and _rejects(procedure.p_value())


def equivalence(rng: np.random.Generator) -> Iterator[Rate]:
    """How often "equivalent" is said of a difference that is exactly the margin."""
    margin, runs = 0.1, 4_000
    for n in (100, 400):
        said = 0
        drawn = rng.multinomial(n, [0.05 + margin, 0.05, 0.9 - margin], size=runs)
        for (gained, lost, _), count in zip(
            *np.unique(drawn, axis=0, return_counts=True), strict=True
        ):
            found = tost(TangoScore(float(gained), float(lost), n), margin=margin)
            said += int(count) * (found.verdict == "equivalent")
        where = f"binary, n={n}, difference = margin = {margin}"
        name = "two one-sided tests"
        yield Rate(name, where, "promotions at the margin", 0.05, said / runs, runs, (0.0, 0.056))
    runs, n, said = 500, 80, 0
    for _ in range(runs):
        scores = 0.5 + rng.normal(0, 0.1, (n, 3))
        scores[:, 0] += margin
        terms_found = terms_equivalent(scores.clip(0, 1), margin=margin, rng=rng)
        said += terms_found.verdict == "equivalent"
    where = f"{n} templates, 3 terms, one off by the margin"
    name = "all terms equivalent"
    yield Rate(name, where, "promotions at the margin", 0.05, said / runs, runs, (0.0, 0.055))


def slices(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of the difference of two slices' gains; false alarms of any slice by max-T."""
    for n, m, law in ((40, 160, "sparse"), (100, 400, "churn"), (25, 40, "churn")):
        runs, held = 800, 0
        p, q = ([0.02, 0.94, 0.04], [0.05, 0.9, 0.05])
        if law == "churn":
            p, q = [0.1, 0.7, 0.2], [0.1, 0.8, 0.1]
        for _ in range(runs):
            one, other = (
                case_units(rng.choice([-1.0, 0.0, 1.0], p=law_, size=size))
                for law_, size in ((p, n), (q, m))
            )
            found = slice_difference(one, other, binary=True).procedure
            if not isinstance(found, NotEstimable):
                held += _holds(found.interval(level=0.95), p[2] - p[0] - (q[2] - q[0]))
        where = f"{n} and {m} cases, {law}"
        name = "difference of two slices"
        yield Rate(name, where, "coverage", 0.95, held / runs, runs, (0.94, 1.0))
    runs, alarms, label = 400, 0, np.repeat(np.arange(8), [10, 20, 30, 40, 50, 60, 40, 50])
    for _ in range(runs):
        d = rng.choice([-0.5, 0.0, 0.5, 1.0], p=[0.1, 0.75, 0.05, 0.1], size=len(label))
        found_ = slice_gaps(case_units(d), label, rng=rng, shuffles=199)
        alarms += any(_rejects(g.adjusted) for g in found_)
    yield Rate(
        "any slice against the rest, max-T",
        "8 slices of 10 to 60 cases",
        "false alarms",
        0.05,
        alarms / runs,
        runs,
        (0.0, 0.05),
    )


def single_cases(rng: np.random.Generator) -> Iterator[Rate]:
    """The share of false names among the cases named as regressed, and how many are named."""
    runs, n, rate = 100, 2_000, 0.1
    for samples in (5, 10):
        wrong, named = 0.0, 0.0
        for _ in range(runs):
            chance = rng.choice([0.02, 0.5, 0.9, 1.0], p=[0.2, 0.2, 0.3, 0.3], size=n)
            lost = (rng.random(n) < 0.1) & (chance > 0.8)
            base = rng.binomial(samples, chance)
            candidate = rng.binomial(samples, np.where(lost, chance - 0.8, chance))
            trials = np.full(n, samples)
            found = regressed_cases(
                Successes(base, trials), Successes(candidate, trials), rate=rate
            )
            if isinstance(found, NotEstimable):
                continue
            hits = int(found.regressed.sum())
            wrong += int((found.regressed & ~lost).sum()) / max(hits, 1)
            named += int((found.regressed & lost).sum()) / int(lost.sum())
        where = f"{n} cases, {samples} samples each, 6 % regressed by 80 points"
        name = "named cases that did not regress (FDR)"
        yield Rate(name, where, "false alarms", rate, wrong / runs, runs, (0.0, rate))
        least = {5: 0.2, 10: 0.8}[samples]
        yield Rate("regressed cases named", where, "power", 0.8, named / runs, runs, (least, 1.0))


def flips(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of churn beyond noise, and of the relative negative flip rate."""
    runs = 2_000
    for n, m, churn, noise in ((100, 100, 0.1, 0.06), (300, 300, 0.05, 0.05), (200, 50, 0.2, 0.02)):
        held = 0
        for x, y in zip(rng.binomial(n, churn, runs), rng.binomial(m, noise, runs), strict=True):
            found = excess_churn((int(x), n), (int(y), m))
            if not isinstance(found, NotEstimable):
                held += _holds(found.interval(level=0.95), churn - noise)
        where = f"churn {churn} of {n}, noise {noise} of {m}"
        name = "churn beyond noise"
        yield Rate(name, where, "coverage", 0.95, held / runs, runs, (0.94, 0.97))
    for n, law in ((100, [0.7, 0.1, 0.05, 0.15]), (500, [0.5, 0.2, 0.1, 0.2])):
        both, gained, lost, neither = law
        truth = lost / (lost + neither) / (both + lost)
        held, named = 0, "relative negative flip rate"
        trusted = 0
        for a, b, c, d in rng.multinomial(n, [both, gained, lost, neither], size=runs).tolist():
            table = flip_analysis(a, b, lost=c, neither=d)
            if isinstance(table, NotEstimable):
                continue
            ratio, trust = table.relative_broken, table.trust
            held += isinstance(ratio, Ratio) and _holds(ratio.interval, truth)
            trusted += isinstance(trust, Share) and _holds(trust.interval, both / (both + lost))
        where = f"n={n}, {lost:.0%} broken"
        yield Rate(named, where, "coverage", 0.95, held / runs, runs, (0.93, 0.97))
        name = "backward trust, Clopper-Pearson"
        yield Rate(name, where, "coverage", 0.95, trusted / runs, runs, (0.95, 1.0))


def repeated_base(rng: np.random.Generator) -> Iterator[Rate]:
    """A/A: how often two runs of one model are said to differ, and the gate's own false alarms."""
    runs, n = 400, 200
    differ = 0
    for _ in range(runs):
        first, second = _two_runs(rng, n)
        differ += _rejects(noise_floor(first, second, rng=rng).comparison.exact)
    where = f"binary, n={n}"
    name = "two runs of one model differ"
    yield Rate(name, where, "false alarms", 0.05, differ / runs, runs, (0.0, 0.05))
    for kind, draws, most in (
        ("binary", 20_000, 0.062),
        ("graded", 2_000, 0.07),
        ("clusters", 2_000, 0.06),
    ):
        first, second = _two_runs(rng, 300)
        if kind != "binary":
            first = rng.beta(4, 2, 300)
            second = (first + rng.normal(0, 0.1, 300)).clip(0, 1)
        clusters = np.arange(300) // 10 if kind == "clusters" else None
        gate = GateSettings(0.05, draws=draws)
        found = gate_false_alarms(first, second, settings=gate, clusters=clusters, rng=rng)
        if isinstance(found, NotEstimable):
            continue
        where = f"{kind}, {found.cases} units drawn from one A/A run"
        name = "gate says regressed"
        yield Rate(name, where, "false alarms", 0.05, found.regressed.value, draws, (0.0, most))


def _two_runs(rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
    chance = rng.choice([0.0, 0.2, 0.8, 1.0], p=[0.2, 0.1, 0.2, 0.5], size=n)
    first, second = (np.asarray(rng.random(n) < chance, dtype=np.float64) for _ in range(2))
    return first, second


def _templates(rng: np.random.Generator, n: int, terms: int, *, binary: bool) -> FloatArray:
    """Return templates x terms of scores that the term does not alter."""
    if binary:
        hard = rng.choice([0.4, 0.7, 1.0], size=(n, 1))
        return np.asarray(rng.random((n, terms)) < hard, dtype=np.float64)
    return (rng.beta(4, 2, (n, 1)) + rng.normal(0, 0.1, (n, terms))).clip(0, 1)


def _rejects(p: PValue | NotEstimable) -> bool:
    return isinstance(p, PValue) and p.value <= 0.05


def _holds(interval: Interval | NotEstimable, truth: float) -> bool:
    return not isinstance(interval, NotEstimable) and interval.low <= truth <= interval.high


STUDIES: tuple[Study, ...] = (
    terms,
    change_of_difference,
    terms_in_clusters,
    equivalence,
    slices,
    single_cases,
    flips,
    repeated_base,
)
