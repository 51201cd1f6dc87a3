"""The environment of prompts: sandboxed, and bounded in what a small template can make.

A template may come from elsewhere. Its operators, filters and methods are measured before they run,
so that none of them makes a text far larger than itself and its variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_RENDERED = 10_000_000
"""Characters that a template may make."""

_WIDEST = 10_000
"""The largest number that a filter or method takes: widths, indents and counts."""

_WIDTH = re.compile(r"\d{5,}|%[-+ #0]*\*")
"""In a format of texts: a width of five digits, or one that is given beside it."""


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Raises `SecurityError`, which is a `TemplateError`, for what would grow too large."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  (Jinja2's own)
        super().__init__(**settings)
        self.code_generator_class = _Generator
        self.filters = {name: _measured(name, made) for name, made in self.filters.items()}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Return what an operator makes of two values."""
        _OPERATORS[operator](left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *given: Any, **more: Any) -> Any:  # noqa: ANN401
        """Return what a function of a template, or a method of a value, makes."""
        # `str.format` comes wrapped by the sandbox.
        method = getattr(obj, "__wrapped__", obj)
        own = getattr(method, "__self__", None)
        if isinstance(own, str):
            _measure(method.__name__, own, (*given, *more.values()))
        return super().call(context, obj, *given, **more)

    def joined(self, parts: Iterable[object]) -> str:
        """Return what ``~`` makes of its parts."""
        texts = [str(part) for part in parts]
        refuse(sum(map(len, texts)))
        return "".join(texts)


class _Generator(CodeGenerator):
    """Compiles ``~``, which no sandbox intercepts, to a call of the environment."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  (Jinja2's name)
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


def refuse(size: float) -> None:
    """Raise `SecurityError` for more than `MOST_RENDERED` characters."""
    if size > MOST_RENDERED:
        raise SecurityError(f"a template may make at most {MOST_RENDERED:,} characters")


def _measured(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(made)
    def bounded(*given: Any, **more: Any) -> Any:  # noqa: ANN401  (of any filter)
        values = given[1:] if hasattr(made, "jinja_pass_arg") else given
        if values:
            _measure(name, values[0], (*values[1:], *more.values()))
        return made(*given, **more)

    return bounded


def _measure(name: str, value: Any, given: tuple[Any, ...]) -> None:  # noqa: ANN401
    """Raise `SecurityError` for what a filter or method called ``name`` would make of a value."""
    numbers = [each for each in given if isinstance(each, int | float)]
    if any(abs(number) > _WIDEST for number in numbers):
        raise SecurityError(f"{name} of a template takes numbers up to {_WIDEST:,}")
    texts = [each for each in given if isinstance(each, str)]
    if name == "replace" and len(texts) > 1:
        refuse(str(value).count(texts[0]) * len(texts[1]))
    elif name == "indent":
        each = sum(map(len, texts)) + sum(map(abs, numbers))
        refuse((str(value).count("\n") + 1) * each)
    elif name == "join" and isinstance(value, str) and given and isinstance(given[0], list):
        refuse(len(given[0]) * len(value))
    elif name == "join" and isinstance(value, list | tuple | str):
        refuse(len(value) * sum(map(len, texts)))
    elif name in ("format", "format_map", "__mod__") and _WIDTH.search(str(value)):
        raise SecurityError("a width in a format of a template has at most four digits")


def _times(left: Any, right: Any) -> None:  # noqa: ANN401  (values of a template)
    for many, count in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(count, int):
            refuse(len(str(many)) * count)


def _plus(left: Any, right: Any) -> None:  # noqa: ANN401  (values of a template)
    if isinstance(left, str | list | tuple):
        refuse(len(str(left)) + len(str(right)))


def _power(left: Any, right: Any) -> None:  # noqa: ANN401  (values of a template)
    if isinstance(left, int) and isinstance(right, int):
        refuse(left.bit_length() * abs(right))


def _percent(left: Any, _: Any) -> None:  # noqa: ANN401  (values of a template)
    if isinstance(left, str):
        _measure("__mod__", left, ())


_OPERATORS: Mapping[str, Callable[[Any, Any], None]] = {
    "*": _times,
    "+": _plus,
    "**": _power,
    "%": _percent,
}
