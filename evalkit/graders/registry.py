"""Every grader by its type, and how a grader is made of what a suite says.

To add one: a function from `GraderSpec` to `Grader` in a file of its family, a line here, its
options in `schemas/graders/TYPE.json`. Options have passed that schema when they arrive here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from evalkit.errors import Fault
from evalkit.graders.base import Grader, OptionError
from evalkit.graders.calibration import calibration
from evalkit.graders.choice import choice, label, multi_label
from evalkit.graders.code import python_grader
from evalkit.graders.compose import Inner, all_of, any_of, multi, none_of, weighted
from evalkit.graders.diff import json_diff
from evalkit.graders.facts import cost, finish_reason, latency, tokens
from evalkit.graders.judge.base import JudgeGrader, judge_named
from evalkit.graders.judge.embedding import CosineGrader, cosine
from evalkit.graders.judge.labels import factuality, label_model
from evalkit.graders.judge.pairwise import pairwise
from evalkit.graders.judge.rubric import rubric, score_model
from evalkit.graders.language import language
from evalkit.graders.length import length
from evalkit.graders.likelihood import logprob, perplexity
from evalkit.graders.markup import xml_valid, yaml_valid
from evalkit.graders.match import json_match
from evalkit.graders.math import math
from evalkit.graders.numbers import numeric
from evalkit.graders.pattern import regex_grader
from evalkit.graders.refusal import refusal
from evalkit.graders.similarity import text_similarity
from evalkit.graders.sql import sql_equal
from evalkit.graders.structure import json_schema, json_valid
from evalkit.graders.text import contains, ends_with, starts_with, string_check
from evalkit.graders.tools import tool_call
from evalkit.graders.unit_tests import unit_tests
from evalkit.model import GraderSpec

Asking = JudgeGrader | CosineGrader
"""What grades by asking a judge of the project, in words or for embeddings."""

Made = Grader | Asking
"""What grades by itself, or by asking another model."""

GRADERS: Mapping[str, Callable[[GraderSpec], Made]] = {
    "string_check": string_check,
    "contains": contains,
    "starts_with": starts_with,
    "ends_with": ends_with,
    "regex": regex_grader,
    "length": length,
    "refusal": refusal,
    "language": language,
    "numeric": numeric,
    "math": math,
    "choice": choice,
    "label": label,
    "multi_label": multi_label,
    "json_valid": json_valid,
    "json_schema": json_schema,
    "json_match": json_match,
    "json_diff": json_diff,
    "xml_valid": xml_valid,
    "yaml_valid": yaml_valid,
    "sql_equal": sql_equal,
    "tool_call": tool_call,
    "logprob": logprob,
    "perplexity": perplexity,
    "latency": latency,
    "tokens": tokens,
    "cost": cost,
    "finish_reason": finish_reason,
    "unit_tests": unit_tests,
    "text_similarity": text_similarity,
    "python": python_grader,
    "rubric": rubric,
    "label_model": label_model,
    "score_model": score_model,
    "factuality": factuality,
    "pairwise": pairwise,
    "cosine": cosine,
}
COMPOSED: Mapping[str, Callable[[GraderSpec, Inner], Grader]] = {
    "all": all_of,
    "any": any_of,
    "not": none_of,
    "weighted": weighted,
    "multi": multi,
    "calibration": calibration,
}
"""Graders that are made of the graders inside them, which are made first."""

TYPES = (*GRADERS, *COMPOSED)
JUDGES = frozenset({"rubric", "label_model", "score_model", "factuality", "pairwise", "cosine"})
"""The types that ask a judge of the project."""

_RUNS_CODE = frozenset({"python", "unit_tests"})


def judge_of(spec: GraderSpec) -> str:
    """Return the name of the judge that a grader asks."""
    return judge_named(spec.options)


def make(spec: GraderSpec, *, allow_code: bool) -> Made | Fault:
    """Return the grader that ``spec`` describes, or what is wrong with it or one inside it.

    A grader that runs code is imported here, and only if ``allow_code`` is true.
    """
    made = _inner(spec, allow_code=allow_code)
    if isinstance(made, Fault):
        return made
    try:
        return _build(spec, made, allow_code=allow_code)
    except OptionError as error:
        return _fault(spec, error)


def _inner(spec: GraderSpec, *, allow_code: bool) -> Inner | Fault:
    """Return the graders inside ``spec`` by name, or the first fault among them."""
    inner: dict[str, Grader] = {}
    for each in spec.inner:
        grader = make(each, allow_code=allow_code)
        if isinstance(grader, Fault):
            return grader
        if isinstance(grader, Asking):
            needed = "an inner grader that asks no other model"
            instead = "the judge beside it, and both in the suite's score"
            return _fault(each, OptionError(needed, got=f"type {each.type}", instead=instead))
        inner[each.name] = grader
    return inner


def _fault(spec: GraderSpec, error: OptionError) -> Fault:
    return Fault(spec.source.path, spec.source.line, error.needed, error.got, error.instead)


def _build(spec: GraderSpec, inner: Inner, *, allow_code: bool) -> Made:
    if spec.type not in TYPES:
        near = difflib.get_close_matches(spec.type, TYPES, n=1)
        instead = f"{near[0]} (did you mean it?)" if near else "one of them"
        known = "a grader type: " + ", ".join(TYPES)
        raise OptionError(known, got=f"'{spec.type}'", instead=instead)
    if spec.type in _RUNS_CODE and not allow_code:
        raise OptionError(
            "a project that allows graders to run code",
            got=f"a grader of type {spec.type}",
            instead="allow_code: true in evalkit.yaml, if you trust this repository",
        )
    if spec.type in COMPOSED:
        return COMPOSED[spec.type](spec, inner)
    return GRADERS[spec.type](spec)


def check(spec: GraderSpec, *, allow_code: bool) -> list[Fault]:
    """Return what is wrong with a grader as written, beyond what the schema of suites asks."""
    made = make(spec, allow_code=allow_code)
    return [made] if isinstance(made, Fault) else []
