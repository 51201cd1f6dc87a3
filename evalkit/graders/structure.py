"""Graders of the form of JSON answers: `json_valid` and `json_schema`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalkit.graders.base import (
    OptionError,
    Options,
    TextGrader,
    UngradableError,
    alone,
    bounded,
    clip,
    verdict,
    wrong,
)
from evalkit.graders.jsontext import read_json
from evalkit.graders.schemas import deadline, schema_validator
from evalkit.model import Grade, GraderSpec

MOST_READ = 2_000_000
"""Characters of an answer that are read as JSON."""

_RIGHT = verdict(passed=True)


def json_valid(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is JSON and nothing else; ``fenced`` allows a code fence around it."""
    return _on_json(spec.options, lambda _tree: _RIGHT)


def json_schema(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is JSON that fits ``schema``; references lead nowhere else."""
    try:
        breach = schema_validator(spec.options["schema"])
    except UngradableError as error:
        raise OptionError(
            "a valid JSON Schema", got=clip(str(error)), instead="a schema that is"
        ) from error

    def fits(tree: Any) -> Grade:  # noqa: ANN401  (any JSON value)
        found = breach(tree, deadline())
        return _RIGHT if found is None else wrong(found)

    return _on_json(spec.options, fits)


def _on_json(options: Options, judge: Callable[[Any], Grade]) -> TextGrader:
    fenced = options.get("fenced", False)

    def compare(text: str) -> Grade:
        try:
            tree = read_json(bounded(text, MOST_READ, use="this grader"), fenced=fenced)
        except ValueError as error:
            return wrong(f"not JSON: {error}")
        return judge(tree)

    return alone(compare)
