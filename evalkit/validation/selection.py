"""Choosing the best of several candidates: what may be claimed of it, and which limits hold it.

Candidates on the same cases have errors with correlation one half, as checkpoints of one training
have. "Claims" are claims that the chosen one is better than the base: interval above 0 at 95 %, so
that one honest comparison would make 2.5 %. Also the gap with a confounder, adjusted or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from evalkit.stats.adjusted_gap import adjusted_gap, matched_gap
from evalkit.stats.arrays import FloatArray
from evalkit.stats.leaderboard import leaderboard
from evalkit.stats.max_t import max_t, max_t_rows
from evalkit.stats.rows import complete_rows
from evalkit.stats.selection import CaseSet, dev_test, joint_tests, select_best
from evalkit.stats.values import Interval, NotEstimable, Procedure
from evalkit.stats.winners_curse import Corrected, conditional, hybrid, winner
from evalkit.validation.draws import covers
from evalkit.validation.rates import Rate, Study

_FLIPS = 299


@dataclass(frozen=True, slots=True)
class _Field:
    """``k`` candidates on ``n`` cases: normal scores, or right or wrong with a share changed.

    The first gains ``gain`` on average, the others nothing.
    """

    n: int
    k: int
    churn: float | None = None
    gain: float = 0.0

    @property
    def words(self) -> str:
        kind = "normal scores" if self.churn is None else f"right or wrong, {self.churn:.0%} churn"
        gain = f", one gains {100 * self.gain:.0f} points" if self.gain else ""
        return f"best of {self.k}, {self.n} cases, {kind}{gain}"

    @property
    def truth(self) -> FloatArray:
        return np.where(np.arange(self.k) == 0, self.gain, 0.0)

    def draw(self, rng: np.random.Generator) -> FloatArray:
        shared = rng.normal(size=(self.n, 1))
        z = np.sqrt(0.5) * (shared + rng.normal(size=(self.n, self.k)))
        if self.churn is None:
            return np.asarray(0.3 * z + self.truth, dtype=np.float64)
        up, down = (self.churn + self.truth) / 2, (self.churn - self.truth) / 2
        return np.where(z > -ndtri(up), 1.0, np.where(z < ndtri(down), -1.0, 0.0))


def claims(rng: np.random.Generator) -> Iterator[Rate]:
    """No candidate differs from the base: how often is the best one called better?"""
    runs = 400
    allowed = {
        "best of the same cases, as if alone": (0.0, 1.0),
        "best of the same cases, max-T": (0.0, 0.03),
        "best of one half, judged on the other": (0.0, 0.035),
    }
    for k in (5, 20):
        field = _Field(200, k, churn=0.1)
        above = np.zeros(len(allowed))
        for _ in range(runs):
            d = field.draw(rng)
            tested = max_t(d, rng=rng, side="two-sided", resamples=_FLIPS)
            best = int(np.argmax(d.mean(axis=0)))
            first = np.arange(field.n) % 2 == 0
            (fresh,) = dev_test([CaseSet(d)], [first], rng=rng, resamples=_FLIPS).sets
            adjusted = tested.single_step.values[best]
            above += [
                not _keeps(tested.alone[best], 0.0) and d[:, best].mean() > 0,
                adjusted is not None and adjusted <= 0.05 and d[:, best].mean() > 0,
                isinstance(fresh.interval, Interval) and fresh.interval.low > 0,
            ]
        for (name, admitted), count in zip(allowed.items(), above / runs, strict=True):
            yield Rate(name, field.words, "false alarms", 0.025, float(count), runs, admitted)


def coverage(rng: np.random.Generator) -> Iterator[Rate]:
    """The true difference of the chosen candidate lies within its limits in 95 % of runs."""
    runs = 400
    for field in (
        _Field(60, 5),
        _Field(200, 20),
        _Field(200, 5, gain=0.05),
        _Field(200, 5, churn=0.1),
        _Field(200, 20, churn=0.05),
        _Field(200, 5, churn=0.1, gain=0.05),
    ):
        allowed = {"naive": 0.0, "simultaneous": 0.95, "conditional": 0.94, "hybrid": 0.94}
        held = np.mean([_held(field, rng) for _ in range(runs)], axis=0)
        for (name, least), share in zip(allowed.items(), held.tolist(), strict=True):
            what = f"{name} interval of the best"
            yield Rate(what, field.words, "coverage", 0.95, share, runs, (least, 1.0))


def _held(field: _Field, rng: np.random.Generator) -> FloatArray:
    """Return which limits of the best hold its true difference in one run."""
    rows = complete_rows(field.draw(rng))
    tested = max_t_rows(rows, rng=rng, side="two-sided", resamples=_FLIPS)
    best, law = winner(rows.means, rows.covariance, step=rows.step)
    truth = float(field.truth[best])
    held = [_keeps(tested.alone[best], truth), covers(tested.interval(best), truth)]
    for method in (conditional, hybrid):
        found = law if isinstance(law, NotEstimable) else method(law, units=field.n)
        held.append(isinstance(found, NotEstimable) or covers(found.interval, truth))
    return np.array(held, dtype=np.float64)


def _keeps(procedure: Procedure | NotEstimable, truth: float) -> bool:
    """Return whether the 95 % interval holds ``truth``, by the p-value, which is quicker."""
    return isinstance(procedure, NotEstimable) or procedure.p_value(null=truth).value > 0.05


def all_candidates(rng: np.random.Generator) -> Iterator[Rate]:
    """Any false alarm among candidates without a gain, all limits right, all ranks right."""
    runs = 400
    for field in (_Field(30, 5), _Field(60, 5, churn=0.1), _Field(200, 8, churn=0.1, gain=0.08)):
        counts = np.zeros(3)
        for _ in range(runs):
            d = field.draw(rng)
            one = max_t(d, rng=rng, resamples=_FLIPS)
            both = max_t(d, rng=rng, side="two-sided", resamples=_FLIPS)
            raised = np.array(one.step_down.rejected(0.05))
            counts += [
                raised[field.truth == 0].any(),
                all(map(covers, both.intervals(), field.truth.tolist())),
                _ranks_right(d[:, :5], field.truth[:5], rng),
            ]
        alarms, held, ranked = (counts / runs).tolist()
        where = field.words
        yield Rate("step-down max-T", where, "false alarms", 0.05, alarms, runs, (0, 0.056))
        yield Rate("all intervals of max-T", where, "coverage", 0.95, held, runs, (0.945, 1.0))
        yield Rate("all ranks of five", where, "coverage", 0.95, ranked, runs, (0.945, 1.0))


def _ranks_right(d: FloatArray, truth: FloatArray, rng: np.random.Generator) -> bool:
    """Return whether the ranks allow each model every rank that its equals may take."""
    found = leaderboard(d, rng=rng, resamples=_FLIPS).models
    above = (truth[None, :] > truth[:, None]).sum(axis=1)
    below = (truth[None, :] < truth[:, None]).sum(axis=1)
    return all(
        model.best_rank <= 1 + up and model.worst_rank >= len(truth) - down
        for model, up, down in zip(found, above, below, strict=True)
    )


def several_suites(rng: np.random.Generator) -> Iterator[Rate]:
    """Two suites choose one of five together: all limits of both, and what is said of the best.

    The last of the five stands for the candidate that the others are held against.
    """
    runs = 300
    for gain in (0.0, 0.05):
        fields = (_Field(60, 5, churn=0.2), _Field(240, 5, churn=0.1, gain=gain))
        counts = np.zeros(4)
        for _ in range(runs):
            drawn = [field.draw(rng) for field in fields]
            found = select_best([CaseSet(d) for d in drawn], rng=rng, resamples=_FLIPS)
            truths = [field.truth for field in fields]
            counts += [
                all(
                    covers(interval, truth)
                    for judged, of_suite in zip(found.sets, truths, strict=True)
                    for interval, truth in zip(
                        judged.joint.intervals, of_suite.tolist(), strict=True
                    )
                ),
                _corrected_holds(found.corrected, float(np.mean(truths, axis=0)[found.index or 0])),
                *_against_last(drawn, truths, rng),
            ]
        words = ", one gains 5 points on the larger" if gain else ""
        where = f"best of 5, suites of 60 and 240 cases, right or wrong{words}"
        held, corrected, beside, better = (counts / runs).tolist()
        yield Rate("all intervals", where, "coverage", 0.95, held, runs, (0.945, 1.0))
        what = "hybrid interval of the best, mean of suites"
        yield Rate(what, where, "coverage", 0.95, corrected, runs, (0.94, 1.0))
        what = "all intervals against the last"
        yield Rate(what, where, "coverage", 0.95, beside, runs, (0.945, 1.0))
        what = "any called better than the last on both"
        yield Rate(what, where, "false alarms", 0.025, better, runs, (0.0, 0.03))


def _corrected_holds(found: Corrected | NotEstimable, truth: float) -> bool:
    return isinstance(found, NotEstimable) or covers(found.interval, truth)


def _against_last(
    drawn: list[FloatArray], truths: list[FloatArray], rng: np.random.Generator
) -> tuple[bool, bool]:
    """Return if all limits against the last hold, and if one that is not better is called so."""
    rows = [complete_rows(d[:, :-1] - d[:, -1:]) for d in drawn]
    found = joint_tests(rows, rng=rng, resamples=_FLIPS)
    held = all(
        covers(interval, truth)
        for one, truth_of in zip(found, truths, strict=True)
        for interval, truth in zip(one.intervals, truth_of[:-1].tolist(), strict=True)
    )
    called = [
        all(isinstance(i, Interval) and i.low > 0 for i in of_model)
        for of_model in zip(*(one.intervals for one in found), strict=True)
    ]
    return held, any(called)


def clustered(rng: np.random.Generator) -> Iterator[Rate]:
    """Max-T and hybrid limits where cases come in clusters of ten with correlation .3."""
    runs = 600
    for clusters in (10, 40):
        label = np.repeat(np.arange(clusters), 10)
        alarms = held = 0
        for _ in range(runs):
            shared = _Field(clusters, 5).draw(rng)[label]
            d = np.sqrt(0.3) * shared + np.sqrt(0.7) * _Field(len(label), 5).draw(rng)
            rows = complete_rows(d, clusters=label)
            tested = max_t_rows(rows, rng=rng, side="two-sided", resamples=_FLIPS)
            alarms += any(tested.single_step.rejected(0.05))
            _, law = winner(rows.means, rows.covariance)
            if not isinstance(law, NotEstimable):
                held += covers(hybrid(law, units=clusters).interval, 0.0)
        where = f"best of 5, {clusters} clusters of 10 cases, normal scores"
        yield Rate("max-T", where, "false alarms", 0.05, alarms / runs, runs, (0, 0.06))
        what = "hybrid interval of the best"
        yield Rate(what, where, "coverage", 0.95, held / runs, runs, (0.935, 1.0))


def gap_with_confounder(rng: np.random.Generator) -> Iterator[Rate]:
    """Trained cases are more often of slices that gain; within slices there is no gap."""
    runs = 1_500
    allowed = {"no adjustment": 0.0, "adjusted by least squares": 0.94, "matched": 0.94}
    for binary, clusters in ((False, False), (True, False), (False, True)):
        methods = list(allowed)[: 2 if clusters else 3]
        held = np.zeros(len(methods))
        for _ in range(runs):
            held += [covers(found, 0.0) for found in _gaps(rng, binary=binary, clusters=clusters)]
        kind = "right or wrong" if binary else "scores"
        where = f"80 trained and 120 held-out cases, {kind}{', clusters of 4' if clusters else ''}"
        for name, share in zip(methods, held / runs, strict=True):
            yield Rate(
                f"gap, {name}", where, "coverage", 0.95, float(share), runs, (allowed[name], 1.0)
            )


def _gaps(
    rng: np.random.Generator, *, binary: bool, clusters: bool
) -> list[Interval | NotEstimable]:
    trained = np.arange(200) < 80
    slice_of = np.where(trained, rng.choice(3, 200, p=[0.2, 0.3, 0.5]), rng.choice(3, 200))
    unit = np.arange(200) // 4
    gain = 0.15 * slice_of
    if binary:
        u = rng.random(200)
        d = np.where(u < 0.05 + gain, 1.0, np.where(u > 0.95, -1.0, 0.0))
    else:
        shared = rng.normal(0, 0.15, 50)[unit] if clusters else 0.0
        d = gain + shared + rng.normal(0, 0.3, 200) * np.where(trained, 0.7, 1.0)
    labels = unit if clusters else None
    columns = (slice_of[:, None] == np.arange(3)).astype(np.float64)
    found = [
        adjusted_gap(d, trained, np.zeros((200, 0)), clusters=labels),
        adjusted_gap(d, trained, columns, clusters=labels),
    ]
    if not clusters:
        found.append(matched_gap(d, trained, slice_of))
    return [
        f.procedure if isinstance(f.procedure, NotEstimable) else f.procedure.interval(level=0.95)
        for f in found
    ]


STUDIES: tuple[Study, ...] = (
    claims,
    coverage,
    all_candidates,
    several_suites,
    clustered,
    gap_with_confounder,
)
