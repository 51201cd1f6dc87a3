"""The gate's rules as values: `policy.yaml` once read, with the defaults that hold without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PlainCorrection = Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"]
"""How p-values of any kind are corrected for the number of tests in their family."""

Correction = Literal[PlainCorrection, "tarone", "min_p", "max_t"]
"""How the tests of a family of slices are corrected for their number."""

Rule = Literal["superior", "non_inferior", "equivalent", "report"]


@dataclass(frozen=True, slots=True)
class SuiteRule:
    """The rule of one suite; ``None`` leaves a field to the suite file.

    ``non_inferior``: the whole gate interval (1 - 2 alpha) must lie above ``-margin``.
    ``superior``: the suite must have improved, and the whole gate interval must lie above
    ``min_gain``. A declared gain is held to the same proof as a declared margin: comparing the
    point estimate with ``min_gain`` instead would pass a candidate whose true gain is just below it
    about every other time, and a verdict would rest on a number without its uncertainty.
    ``equivalent``: the whole gate interval must lie between ``-margin`` and ``margin``.
    ``min_cases``: with fewer compared cases the rule cannot pass, though it can fail.
    """

    rule: Rule | None = None
    margin: float | None = None
    min_gain: float = 0.0
    min_cases: int = 0
    critical: Literal["never_break", "report"] = "never_break"


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Shares of a suite's cases beyond which a comparison is void instead of decided."""

    max_error_rate: float = 0.01
    min_coverage: float = 0.99
    max_ungraded_rate: float = 0.02


@dataclass(frozen=True, slots=True)
class CheckpointRule:
    """How the best checkpoint of a candidate is looked for; it gates nothing.

    ``split``: chosen on ``dev_share`` of the cases of each suite that chooses, judged on the
    others. ``simultaneous``: chosen and judged on the same cases, corrected for the choice.
    ``suites`` are those that choose; empty stands for the suites that have to improve, or where
    none has to, for all that gate.
    """

    method: Literal["split", "simultaneous"] = "split"
    dev_share: float = 0.5
    suites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold for a candidate to replace its base.

    ``alpha`` bounds the risk of passing a suite that is worse by more than its margin, or gained
    less than asked. ``slice_family`` says which slices are corrected together: those of a suite,
    or of all suites of a comparison. ``exploratory_correction`` is that of the suites of a
    comparison that only report. ``max_gap`` is the largest generalisation gap that is not
    overfitting.
    """

    alpha: float = 0.05
    run: RunLimits = RunLimits()
    suites: Mapping[str, SuiteRule] = field(default_factory=dict)
    slice_correction: Correction = "holm"
    slice_family: Literal["suite", "comparison"] = "suite"
    exploratory_correction: PlainCorrection = "bh"
    checkpoints: CheckpointRule = CheckpointRule()
    max_gap: float = 0.05
    on_inconclusive: Literal["block", "warn"] = "block"
    default_margin: float = 0.02
    digest: str = "default"
