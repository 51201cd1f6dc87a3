"""Error rates of what is said of labels: limits of figures of all labels, and the swapping test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evalkit.stats.arrays import FloatArray, IntArray
from evalkit.stats.classification import Change, compare_labels
from evalkit.stats.confusion import OF_LABEL, OF_SUITE, Labelled, figures
from evalkit.stats.values import Interval, NotEstimable
from evalkit.validation.draws import covers
from evalkit.validation.rates import Rate, Study

_NAMED = ("f1_micro", "f1_macro", "mcc", "balanced_accuracy", "recall")
_OF_ALL = ("balanced_accuracy", "f1_macro", "mcc")
_COPIED = 0.6
_SILENT = 0.3
_SWAPS = 199
"""Enough for a p-value below 0.05: where there is none the limits of a difference hold 0."""


@dataclass(frozen=True, slots=True)
class _Rare:
    """How many cases expect each label, each model's recalls, and how often one copies the other.

    A wrong answer names the next label.
    """

    cases: tuple[int, ...]
    base: tuple[float, ...]
    candidate: tuple[float, ...]
    copied: float

    @property
    def words(self) -> str:
        recalls = [", ".join(f"{r:g}" for r in side) for side in (self.base, self.candidate)]
        both = recalls[0] if self.base == self.candidate else " and ".join(recalls)
        return f"{' + '.join(map(str, self.cases))} cases, recalls {both}"

    def truth(self, recalls: tuple[float, ...]) -> FloatArray:
        """Return the figures of all labels that so many cases are expected to give."""
        cases, right = np.array(self.cases, dtype=float), self.cases * np.array(recalls)
        named = right + np.roll(cases - right, 1)
        return np.asarray(figures(np.concatenate([cases, named, right])[None])[0])

    def draw(self, rng: np.random.Generator) -> tuple[Change, ...]:
        labels, n = len(self.cases), sum(self.cases)
        expected = np.repeat(np.arange(labels), self.cases)
        u = rng.random(n)
        v = np.where(rng.random(n) < self.copied, u, rng.random(n))
        one, other = (
            np.where(luck < np.array(recalls)[expected], expected, (expected + 1) % labels)
            for luck, recalls in ((u, self.base), (v, self.candidate))
        )
        return compare_labels(
            Labelled.of(expected, one, labels=labels),
            Labelled.of(expected, other, labels=labels),
            rng=rng,
            resamples=_SWAPS,
        )


def limits(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage of each model's limits, and of those of the difference; labels alike or one rare."""
    for n, labels, rare, right in (
        (50, 2, False, 0.8),
        (50, 5, False, 0.75),
        (100, 3, True, 0.85),
        (100, 2, False, 0.95),
        (200, 10, True, 0.8),
        (500, 5, True, 0.95),
    ):
        runs, accuracy = 1_000, (right, right + (1 - right) / 10)
        prior = _prior(labels, rare=rare)
        truth = _truth(prior, accuracy)
        single, paired = np.zeros((2, len(_NAMED)))
        for _ in range(runs):
            found = _compared(rng, prior, accuracy, n=n, resamples=_SWAPS)
            single += [covers(c.base_interval, t[0]) for c, t in zip(found, truth, strict=True)]
            paired += [covers(c.interval, t[1] - t[0]) for c, t in zip(found, truth, strict=True)]
        where = f"n={n}, {labels} labels{', one in 20' if rare else ''}, {right:.0%} right"
        for number, name in enumerate(_NAMED):
            low = 0.93 if name == "f1_macro" and rare else 0.94
            one, both = float(single[number]) / runs, float(paired[number]) / runs
            method = f"{name} of one model, jackknife"
            yield Rate(method, where, "coverage", 0.95, one, runs, (low, 1.0))
            yield Rate(f"{name}, paired jackknife", where, "coverage", 0.95, both, runs, (low, 1.0))


def rare_labels(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage where a label has two to five cases, often all answered right, or all wrong."""
    for design in (
        _Rare((98, 2), (0.99, 0.5), (0.99, 0.5), 0.6),
        _Rare((98, 2), (0.97, 0.7), (0.97, 0.7), 0.6),
        _Rare((95, 5), (0.97, 0.9), (0.97, 0.5), 0.6),
        _Rare((95, 5), (0.97, 0.9), (0.97, 0.7), 0.0),
        _Rare((80, 17, 3), (0.95, 0.9, 0.9), (0.95, 0.9, 0.6), 0.3),
        _Rare((280, 17, 3), (0.95, 0.9, 0.9), (0.95, 0.9, 0.6), 0.3),
        _Rare((40, 3, 3, 2, 2), (0.9, *[0.8] * 4), (0.9, *[0.8] * 4), 0.5),
    ):
        runs, places = 600, [OF_SUITE.index(name) for name in _OF_ALL]
        truth = design.truth(design.base), design.truth(design.candidate)
        held, known = np.zeros((2, len(places), 2))
        for _ in range(runs):
            changes = design.draw(rng)
            for number, at in enumerate(places):
                one, both = changes[at].candidate_interval, changes[at].interval
                true = (truth[1][at], truth[1][at] - truth[0][at])
                there = [isinstance(found, Interval) for found in (one, both)]
                known[number] += there
                held[number] += np.logical_and(there, [covers(one, true[0]), covers(both, true[1])])
        for number, name in enumerate(_OF_ALL):
            for kind, method in enumerate((f"{name} of one model", f"{name}, difference")):
                times = int(known[number, kind])
                share = float(held[number, kind]) / times
                yield Rate(method, design.words, "coverage", 0.95, share, times, (0.93, 1.0))


def limits_without_zero(rng: np.random.Generator) -> Iterator[Rate]:
    """How often limits of a difference leave out 0 where both models err alike, one label rare."""
    runs, n, counted = 600, 100, np.zeros(len(_OF_ALL))
    for _ in range(runs):
        rare = max(int(rng.binomial(n, 0.04)), 1)
        changes = _Rare((n - rare, rare), (0.97, 0.97), (0.97, 0.97), 0.0).draw(rng)
        counted += [
            isinstance(c.interval, Interval) and not covers(c.interval, 0.0)
            for c in (changes[OF_SUITE.index(name)] for name in _OF_ALL)
        ]
    for name, times in zip(_OF_ALL, counted.tolist(), strict=True):
        where = f"n={n}, 4% rare, 3% errors"
        yield Rate(
            f"{name}, limits without 0", where, "false alarms", 0.05, times / runs, runs, (0, 0.05)
        )


def limits_of_clusters(rng: np.random.Generator) -> Iterator[Rate]:
    """Coverage where the cases of a cluster are answered alike."""
    runs, clusters, size, accuracy = 1_000, 40, 5, (0.8, 0.83)
    prior = _prior(3, rare=False)
    truth = _truth(prior, accuracy)[1]
    for name, groups in (
        ("f1_macro, paired jackknife", np.repeat(np.arange(clusters), size)),
        ("naive: f1_macro, cases as units", None),
    ):
        held = 0
        for _ in range(runs):
            one, other = (
                Labelled(np.repeat(m.expected, size), np.repeat(m.named, size, axis=0))
                for m in _drawn(rng, prior, accuracy, n=clusters)
            )
            found = compare_labels(one, other, rng=rng, clusters=groups, resamples=_SWAPS)
            change = found[OF_SUITE.index("f1_macro")]
            held += covers(change.interval, truth[1] - truth[0])
        allowed = (0.94, 1.0) if groups is not None else (0.0, 1.0)
        where = f"{clusters} clusters of {size} answered alike"
        yield Rate(name, where, "coverage", 0.95, held / runs, runs, allowed)


def swapping(rng: np.random.Generator) -> Iterator[Rate]:
    """False alarms of the swapping test where both models answer by one law; its power."""
    for n, labels, rare, gain in ((60, 3, True, 0.0), (200, 5, False, 0.0), (150, 3, False, 0.1)):
        runs, prior = 600, _prior(labels, rare=rare)
        found = np.zeros(len(_NAMED))
        for _ in range(runs):
            changes = _compared(rng, prior, (0.75, 0.75 + gain), n=n, resamples=199)
            found += [_rejects(change) for change in changes]
        where = f"n={n}, {labels} labels{', one in 20' if rare else ''}"
        for name, rejected in zip(_NAMED[:3], found[:3].tolist(), strict=True):
            method = f"{name}, names swapped"
            if gain:
                at = f"{where}, 10 points more right"
                yield Rate(method, at, "power", 0.8, rejected / runs, runs, (0.7, 1.0))
            else:
                yield Rate(method, where, "false alarms", 0.05, rejected / runs, runs, (0.0, 0.05))


def _prior(labels: int, *, rare: bool) -> FloatArray:
    if not rare:
        return np.full(labels, 1 / labels)
    return np.array([*[0.95 / (labels - 1)] * (labels - 1), 0.05])


def _law(right: float, expected: int, labels: int) -> FloatArray:
    """Return how likely each answer is, the last being none: wrong ones are alike."""
    wrong = np.full(labels + 1, (1 - right) * (1 - _SILENT) / (labels - 1))
    wrong[expected], wrong[-1] = right, (1 - right) * _SILENT
    return wrong


def _drawn(
    rng: np.random.Generator, prior: FloatArray, accuracy: tuple[float, float], *, n: int
) -> tuple[Labelled, Labelled]:
    """Draw both models' answers; the candidate says what the base says in 3 of 5 cases.

    What is copied is as often right as the base is, so that its own answers make up for it.
    """
    labels = len(prior)
    expected = rng.choice(labels, n, p=prior)
    own = (accuracy[1] - _COPIED * accuracy[0]) / (1 - _COPIED)
    base, candidate = (
        _answers(rng, expected, right, labels=labels) for right in (accuracy[0], own)
    )
    candidate = np.where(rng.random(n) < _COPIED, base, candidate)
    return (
        Labelled.of(expected, base, labels=labels),
        Labelled.of(expected, candidate, labels=labels),
    )


def _answers(
    rng: np.random.Generator, expected: IntArray, right: float, *, labels: int
) -> IntArray:
    law = np.stack([_law(right, e, labels) for e in range(labels)]).cumsum(axis=1)
    answer: IntArray = (rng.random(len(expected))[:, None] > law[expected]).sum(axis=1)
    return answer


def _truth(prior: FloatArray, accuracy: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the named figures of both models over all cases there could be."""
    labels = len(prior)
    sides = []
    for right in accuracy:
        law = np.stack([_law(right, e, labels) for e in range(labels)]) * prior[:, None]
        sums = np.concatenate([prior, law[:, :-1].sum(axis=0), np.diag(law)])
        sides.append(figures(sums[None])[0])
    return [(float(sides[0][at]), float(sides[1][at])) for at in _places(labels)]


def _places(labels: int) -> list[int]:
    """Return where the named figures stand; the recall is that of the last label."""
    recall = len(OF_SUITE) + labels * (OF_LABEL.index("recall") + 1) - 1
    return [recall if name == "recall" else OF_SUITE.index(name) for name in _NAMED]


def _compared(
    rng: np.random.Generator,
    prior: FloatArray,
    accuracy: tuple[float, float],
    *,
    n: int,
    resamples: int,
) -> list[Change]:
    one, other = _drawn(rng, prior, accuracy, n=n)
    found = compare_labels(one, other, rng=rng, resamples=resamples)
    return [found[at] for at in _places(len(prior))]


def _rejects(change: Change) -> bool:
    return not isinstance(change.p_value, NotEstimable) and change.p_value.value <= 0.05


STUDIES: tuple[Study, ...] = (
    limits,
    rare_labels,
    limits_without_zero,
    limits_of_clusters,
    swapping,
)
