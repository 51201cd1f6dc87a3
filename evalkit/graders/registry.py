"""Every grader by its type, and how a grader is made of what a suite says.

To add one: a function from `GraderSpec` to `Grader` in a file of its family, a line here, its
options in `schemas/graders/TYPE.json`. Options have passed that schema when they arrive here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from evalkit.errors import Fault
from evalkit.graders.base import Grader, OptionError
from evalkit.graders.choice import choice
from evalkit.graders.code import python_grader
from evalkit.graders.match import json_match
from evalkit.graders.numbers import numeric
from evalkit.graders.pattern import regex_grader
from evalkit.graders.similarity import text_similarity
from evalkit.graders.structure import json_schema, json_valid
from evalkit.graders.text import contains, string_check
from evalkit.model import GraderSpec

GRADERS: Mapping[str, Callable[[GraderSpec], Grader]] = {
    "string_check": string_check,
    "contains": contains,
    "regex": regex_grader,
    "numeric": numeric,
    "choice": choice,
    "json_valid": json_valid,
    "json_schema": json_schema,
    "json_match": json_match,
    "text_similarity": text_similarity,
    "python": python_grader,
}
_RUNS_CODE = frozenset({"python"})


def make(spec: GraderSpec, *, allow_code: bool) -> Grader | Fault:
    """Return the grader that ``spec`` describes, or what is wrong with it.

    A grader that runs code is imported here, and only if ``allow_code`` is true.
    """
    try:
        return _build(spec, allow_code=allow_code)
    except OptionError as error:
        where = spec.source
        return Fault(where.path, where.line, error.needed, error.got, error.instead)


def _build(spec: GraderSpec, *, allow_code: bool) -> Grader:
    if spec.type not in GRADERS:
        near = difflib.get_close_matches(spec.type, GRADERS, n=1)
        instead = f"{near[0]} (did you mean it?)" if near else "one of them"
        known = "a grader type: " + ", ".join(GRADERS)
        raise OptionError(known, got=f"'{spec.type}'", instead=instead)
    if spec.type in _RUNS_CODE and not allow_code:
        raise OptionError(
            "a project that allows graders to run code",
            got=f"a grader of type {spec.type}",
            instead="allow_code: true in evalkit.yaml, if you trust this repository",
        )
    return GRADERS[spec.type](spec)


def check(spec: GraderSpec, *, allow_code: bool) -> list[Fault]:
    """Return what is wrong with a grader as written, beyond what the schema of suites asks."""
    made = make(spec, allow_code=allow_code)
    return [made] if isinstance(made, Fault) else []
