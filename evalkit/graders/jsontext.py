"""JSON as models write it, and the paths that point into it.

A path is ``$`` followed by ``.name`` and ``[number]`` steps: ``$.items[0].id``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

_PATH = re.compile(r"\$((?:\.[^.\[\]]+|\[[0-9]+\])*)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")
_FENCE = re.compile(r"\s*```[A-Za-z]*[ \t]*\n(.*?)\n?```\s*", re.DOTALL)


def read_json(text: str, *, fenced: bool = False) -> Any:  # noqa: ANN401  (any JSON value)
    """Return ``text`` as JSON, strictly; with ``fenced`` also from inside one code fence.

    Raises `ValueError` with a short reason.
    """
    try:
        return json.loads(unfenced(text) if fenced else text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def unfenced(text: str) -> str:
    """Return what stands inside the one code fence that is all of ``text``, else ``text``."""
    fence = _FENCE.fullmatch(text)
    return fence[1] if fence else text


def parse_reference(expected: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Return an expected answer as JSON: a text that opens like an object or list is read as one.

    Raises `ValueError` if such a text is not JSON. Any other text stays what it is.
    """
    if isinstance(expected, str) and expected.lstrip().startswith(("{", "[")):
        return read_json(expected)
    return expected


def parse_path(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path; raise `ValueError` if it is none."""
    whole = _PATH.fullmatch(path)
    if whole is None:
        raise ValueError(path)
    steps = _STEP.findall(whole[1])
    return tuple(name or int(number) for name, number in steps)


def pick(tree: Any, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401  (any JSON value)
    """Return the value at ``steps``; raise `LookupError` with the path that is not there."""
    value = tree
    for count, step in enumerate(steps, 1):
        fits = step in value if isinstance(value, dict) else _is_index(value, step)
        if not fits:
            raise LookupError(show_path(steps[:count]))
        value = value[step]
    return value


def same_json(
    left: Any,  # noqa: ANN401  (JSON values)
    right: Any,  # noqa: ANN401
    fold: Callable[[Any], Any] = lambda value: value,
) -> bool:
    """Return whether two JSON values are equal; true is not 1, and 1 is 1.0.

    ``fold`` is put to scalars before they are compared.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same_json(left[key], right[key], fold) for key in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            same_json(a, b, fold) for a, b in zip(left, right, strict=True)
        )
    left, right = fold(left), fold(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def show_path(steps: tuple[str | int, ...]) -> str:
    """Return steps as a path."""
    return "$" + "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in steps)


def _is_index(value: Any, step: str | int) -> bool:  # noqa: ANN401  (any JSON value)
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
