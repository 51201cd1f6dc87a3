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
    clip,
    verdict,
    wrong,
)
from evalkit.graders.jsontext import read_json
from evalkit.model import Grade, GraderSpec

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
        found = breach(tree)
        return _RIGHT if found is None else wrong(found)

    return _on_json(spec.options, fits)


def schema_validator(schema: Any) -> Callable[[Any], str | None]:  # noqa: ANN401  (as written)
    """Return a function that tells what breaks ``schema`` in a JSON value, ``None`` if nothing.

    Both raise `UngradableError`: here if the schema is none, there if it cannot be followed.
    """
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if not isinstance(schema, dict):
        raise UngradableError(f"a schema is a mapping, not {schema!r:.60}")
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise UngradableError(f"{error.json_path}: {error.message}") from error
    validator = kind(schema, registry=Registry())

    def breach(tree: Any) -> str | None:  # noqa: ANN401  (any JSON value)
        try:
            error = best_match(validator.iter_errors(tree))
        except (Unresolvable, RecursionError) as failure:
            raise UngradableError(f"the schema cannot be followed: {failure}") from failure
        return None if error is None else f"{error.json_path}: {error.message}"

    return breach


def _on_json(options: Options, judge: Callable[[Any], Grade]) -> TextGrader:
    fenced = options.get("fenced", False)

    def compare(text: str) -> Grade:
        try:
            tree = read_json(text, fenced=fenced)
        except ValueError as error:
            return wrong(f"not JSON: {error}")
        return judge(tree)

    return alone(compare)
