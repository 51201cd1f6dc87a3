"""In which order a suite is asked where it may stop early, and what its end leaves to be asked.

All of it is settled by the suite, its rule and the training files, before the first answer: an
order or a number that followed the answers would favour one of the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evalkit.decide.rules import AppliedRule
from evalkit.decide.seeds import generator
from evalkit.decide.tabulate import cluster_labels, heldout
from evalkit.model import Case, Suite
from evalkit.stats.stopping import shuffled

_GAP_CASES = 2


def watchable(suite: Suite, rule: AppliedRule) -> bool:
    """Return whether the suite may stop before all of its cases are asked.

    Its rule must be one that a single limit settles, and its cases independent: clusters differ in
    size, and the sequential test needs one value a cluster, all of one weight.
    """
    cases = heldout(suite.cases)
    return (
        rule.rule in ("superior", "non_inferior") and bool(cases) and cluster_labels(cases) is None
    )


def asking_order(suite: Suite) -> tuple[Case, ...]:
    """Return the held-out cases in the random order that the suite's name seeds."""
    cases = sorted(heldout(suite.cases), key=lambda case: case.id)
    return tuple(cases[i] for i in shuffled(len(cases), generator("order", suite.name)).tolist())


def asked_only(suite: Suite, watched: Mapping[str, int]) -> Suite:
    """Return the suite with only the held-out cases that count: all, or the first ``watched``."""
    if suite.name not in watched:
        return suite
    first = asking_order(suite)[: watched[suite.name]]
    trained = tuple(case for case in suite.cases if case.split == "train")
    return replace(suite, cases=(*first, *trained))


def gap_cases(trained: int) -> int:
    """Return how many held-out cases the generalisation gap is measured on, of a watched suite.

    A number of its own, or a suite that stops because it looks good would hide what it memorised.
    With twice as many held-out cases as trained ones the gap's interval is at most 1.23 times as
    wide as with any number of them (standard error by 1/trained + 1/held-out, equal spread).
    """
    return _GAP_CASES * trained


def asked_beyond(case: Case, rule: AppliedRule) -> bool:
    """Return whether a held-out case is asked though its suite has stopped."""
    return case.critical and rule.never_break
