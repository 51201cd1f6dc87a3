"""Graders: one small file a family, named in `registry`, put together for a suite by `SuiteGrader`.

A grader compares the reply with the case's ``expected``. Two options, where a grader has them,
change that: ``value`` is compared in its place, for every case; ``path`` (``$.answer``) takes a
part of ``expected``. For `json_match`, ``path`` names the part in the reply as well.

A grader never raises for what a model wrote: a wrong answer is a `Grade` with score 0, and an
answer that cannot be graded is `Ungraded` with the reason.

`check` and `check_score` find what is wrong with a suite's graders before any call is made.
"""

from __future__ import annotations

from evalkit.graders.formula import Formula, check_score
from evalkit.graders.registry import TYPES, check
from evalkit.graders.suite_grader import SuiteGrader

__all__ = ["TYPES", "Formula", "SuiteGrader", "check", "check_score"]
