"""Confusion of labels and the figures read off it: precision, recall, F1, accuracy, MCC.

A label is a code from 0. An answer that names none of them is off the menu: never right, and no
false alarm of another label. A case has one expected label and, of each model, the shares of its
answers that name each label, so that several samples of a case weigh as one case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.arrays import TIE, FloatArray, IntArray

OF_SUITE = ("accuracy", "balanced_accuracy", "f1_micro", "f1_macro", "mcc")
"""The figures of all labels together, in the order of `figures`."""
OF_LABEL = ("precision", "recall", "f1")
"""The figures of each label, which follow: all precisions, all recalls, all F1."""
MCC = OF_SUITE.index("mcc")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One model's answers: ``expected`` codes by case, ``named`` shares as cases x labels.

    A row of ``named`` sums to 1 at most; the rest is off the menu.
    """

    expected: IntArray
    named: FloatArray

    @classmethod
    def of(cls, expected: ArrayLike, predicted: ArrayLike, *, labels: int) -> Labelled:
        """Return single answers by their codes; one outside 0 to ``labels`` - 1 is off the menu.

        ValueError where an expected label is, or the arrays differ in length.
        """
        truth, said = (np.asarray(v, dtype=np.int64).reshape(-1) for v in (expected, predicted))
        if len(truth) != len(said) or (len(truth) and not 0 <= truth.min() <= truth.max() < labels):
            raise ValueError("needed one prediction per case and expected labels on the menu")
        return cls(truth, (said[:, None] == np.arange(labels)).astype(np.float64))

    @property
    def labels(self) -> int:
        """The number of labels on the menu."""
        return int(self.named.shape[1])

    @property
    def matrix(self) -> FloatArray:
        """Expected labels x (named labels, then off the menu): numbers of cases."""
        found = np.zeros((self.labels, self.labels + 1))
        np.add.at(found[:, :-1], self.expected, self.named)
        found[:, -1] = np.bincount(self.expected, minlength=self.labels) - found.sum(axis=1)
        return np.where(np.abs(found) < TIE * max(len(self.expected), 1), 0.0, found)

    @property
    def parts(self) -> FloatArray:
        """Cases x 3 labels: what `figures` needs of each case, to be summed over cases."""
        expected = np.zeros_like(self.named)
        expected[np.arange(len(expected)), self.expected] = 1.0
        return np.concatenate([expected, self.named, expected * self.named], axis=1)


def figures(sums: FloatArray) -> FloatArray:
    """Return all figures per row of ``sums`` (rows x 3 labels), nan where one has no value.

    Precision is right / named, recall right / expected, F1 their harmonic mean, 2 right /
    (expected + named). Macro F1 and balanced accuracy are the means of F1 and recall over the
    labels that are expected at least once: those that no case has would add zeros whatever a model
    does. Micro F1 is 2 right / (cases + answers on the menu), so it is the accuracy where all
    answers are on the menu. MCC is Gorodkin's correlation of two sets of labels [2004, Comput Biol
    Chem 28:367], off the menu being one more label, Matthews' for two; it has no value where all
    cases, or all answers, have one label.
    """
    expected, named, right = np.split(sums, 3, axis=1)
    n, answered, correct = (part.sum(axis=1) for part in (expected, named, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(named > TIE, right / named, np.nan)
        there = expected > TIE
        recall = np.where(there, right / expected, np.nan)
        f1 = np.where(there, 2 * right / (expected + named), np.nan)
        balanced, macro = (
            np.where(there, part, 0.0).sum(axis=1) / there.sum(axis=1) for part in (recall, f1)
        )
        spread = n**2 - (named**2).sum(axis=1) - (n - answered) ** 2
        truth = n**2 - (expected**2).sum(axis=1)
        known = (spread > TIE * n**2) & (truth > TIE * n**2)
        covariance = correct * n - (expected * named).sum(axis=1)
        mcc = np.where(known, covariance / np.sqrt(np.where(known, spread * truth, 1.0)), np.nan)
        whole = [correct / n, balanced, 2 * correct / (n + answered), macro, mcc]
    return np.concatenate([np.stack(whole, axis=1), precision, recall, f1], axis=1)


def weights(sums: FloatArray) -> FloatArray:
    """Return how many cases stand behind each figure of one model (``sums``: 3 labels)."""
    expected, named, _ = np.split(sums, 3)
    whole = np.full(len(OF_SUITE), expected.sum())
    return np.concatenate([whole, named, expected, (expected + named) / 2])


def why_none(name: str, label: int | None, sums: FloatArray) -> str:
    """Return in words why the figure ``name`` has no value for one model (``sums``: 3 labels)."""
    expected = np.split(sums, 3)[0]
    if not expected.sum():
        return "no case"
    if label is not None:
        return "no answer names this label" if name == "precision" else "no case has this label"
    one = "cases have" if np.count_nonzero(expected > TIE) < 2 else "answers of a model have"
    return f"all {one} one label, so there is nothing to correlate"
