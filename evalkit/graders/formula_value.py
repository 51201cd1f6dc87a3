"""The value of a formula's tree at a point: exact fractions as far as they go, then 120 digits.

Every step checks the size of its result before it computes it, so that 9**9**9**9 is refused at
once and no formula takes long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from evalkit.graders.formula_tree import Node

DIGITS = 120
_MOST_BITS = 20_000
_MOST_FACTORIAL = 1_000
_LARGEST_ANGLE = 10**30

Value = Any
"""A Fraction, or a real or complex number of mpmath."""
Point = Mapping[str, Fraction]


class UndefinedError(ArithmeticError):
    """A formula has no value here, or one too large to be computed."""


def value(node: Node, point: Point) -> Value:
    """Return the value of ``node`` where its variables are as ``point`` says.

    Raises `UndefinedError` for a division by zero, a group, infinity, or a number too large.
    """
    if node.op == "number":
        return node.number
    if node.op == "name":
        return point[node.text]
    if node.op == "constant":
        return _constant(node.text)
    operation = _OPERATIONS.get(node.op)
    if operation is None:
        raise UndefinedError(node.op)
    try:
        return _checked(operation(*(value(arg, point) for arg in node.args)))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise UndefinedError(node.op) from error


def is_real(number: Value) -> bool:
    """Return whether ``number`` has no imaginary part beyond rounding."""
    if isinstance(number, Fraction):
        return True
    return bool(abs(number.imag) <= abs(number) * _digits().mpf(10) ** (-DIGITS // 2))


def near(answer: Value, expected: Value, *, absolute: float = 0, relative: float = 0) -> bool:
    """Return whether ``|answer - expected| <= max(absolute, relative * |expected|)``.

    Fractions are compared exactly; other numbers may also differ by rounding.
    """
    if isinstance(answer, Fraction) and isinstance(expected, Fraction):
        slack = max(Fraction(repr(absolute)), Fraction(repr(relative)) * abs(expected))
        return abs(answer - expected) <= slack
    ctx = _digits()
    a, e = _inexact(answer), _inexact(expected)
    rounding = max(ctx.mpf(10) ** (-DIGITS * 3 // 4), abs(e) * ctx.mpf(10) ** (-DIGITS // 2))
    return bool(abs(a - e) <= max(absolute, relative * abs(e), rounding))


@cache
def _digits() -> Any:  # noqa: ANN401  (mpmath has no types)
    from mpmath.ctx_mp import MPContext

    ctx = MPContext()
    ctx.dps = DIGITS
    return ctx


def _inexact(number: Value) -> Value:
    if isinstance(number, Fraction):
        return _digits().mpf(number.numerator) / number.denominator
    return number


def _constant(name: str) -> Value:
    ctx = _digits()
    if name == "inf":
        raise UndefinedError(name)
    return {"pi": +ctx.pi, "e": +ctx.e, "i": ctx.mpc(0, 1)}[name]


def _checked(number: Value) -> Value:
    if isinstance(number, Fraction):
        large = _bits(number) > _MOST_BITS
    else:
        ctx = _digits()
        large = not ctx.isfinite(number) or (number != 0 and abs(ctx.mag(number)) > _MOST_BITS)
    if large:
        raise UndefinedError("too large")
    return number


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _both(exact: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    """Return an operation that stays exact for two fractions."""

    def operation(a: Value, b: Value) -> Value:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return exact(a, b)
        return exact(_inexact(a), _inexact(b))

    return operation


_add = _both(lambda a, b: a + b)
_mul = _both(lambda a, b: a * b)
_div = _both(lambda a, b: a / b)


def _fold(operation: Callable[[Value, Value], Value]) -> Callable[..., Value]:
    def folded(first: Value, *others: Value) -> Value:
        for other in others:
            first = _checked(operation(first, other))
        return first

    return folded


def _pow(base: Value, exponent: Value) -> Value:
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and isinstance(base, Fraction):
        if max(_bits(base) - 1, 1) * abs(exponent) > _MOST_BITS:
            raise UndefinedError("too large")
        return base ** int(exponent)
    ctx = _digits()
    base, exponent = _inexact(base), _inexact(exponent)
    if base == 0:
        if ctx.re(exponent) <= 0:
            raise UndefinedError("a power of zero")
        return Fraction(0)
    if abs(exponent * ctx.log(base)) > _MOST_BITS:
        raise UndefinedError("too large")
    return ctx.power(base, exponent)


def _root(radicand: Value, index: Value) -> Value:
    """Return the principal root; the real one for an odd root of a negative number."""
    if isinstance(index, Fraction) and index.denominator == 1 and index % 2 and is_real(radicand):
        number = _digits().re(_inexact(radicand))
        if number < 0:
            return -_pow(-number, 1 / index)
    return _pow(radicand, _div(Fraction(1), index))


def _factorial(number: Value) -> Value:
    if abs(number) > _MOST_FACTORIAL:
        raise UndefinedError("too large")
    if isinstance(number, Fraction) and number.denominator == 1 and number >= 0:
        return Fraction(math.factorial(int(number)))
    return _digits().gamma(_inexact(number) + 1)


def _binom(n: Value, k: Value) -> Value:
    whole = all(isinstance(v, Fraction) and v.denominator == 1 and v >= 0 for v in (n, k))
    if max(abs(n), abs(k)) > _MOST_FACTORIAL:
        raise UndefinedError("too large")
    if whole:
        return Fraction(math.comb(int(n), int(k)))
    return _digits().binomial(_inexact(n), _inexact(k))


def _log(number: Value, base: Value = None) -> Value:
    ctx = _digits()
    natural = ctx.log(_inexact(number))
    return natural if base is None else natural / ctx.log(_inexact(base))


def _abs(number: Value) -> Value:
    return abs(number)


def _rounded(whole: Callable[[Fraction], int], name: str) -> Callable[[Value], Value]:
    def operation(number: Value) -> Value:
        if isinstance(number, Fraction):
            return Fraction(whole(number))
        return Fraction(int(getattr(_digits(), name)(number)))

    return operation


def _function(name: str, *, largest: int = _LARGEST_ANGLE) -> Callable[[Value], Value]:
    def operation(number: Value) -> Value:
        if abs(number) > largest:
            raise UndefinedError("too large")
        return getattr(_digits(), name)(_inexact(number))

    return operation


_OPERATIONS: Mapping[str, Callable[..., Value]] = {
    "add": _fold(_add),
    "mul": _fold(_mul),
    "div": _div,
    "inverse": lambda number: _div(Fraction(1), number),
    "neg": lambda number: -number,
    "pow": _pow,
    "root": _root,
    "factorial": _factorial,
    "binom": _binom,
    "log": _log,
    "ln": _log,
    "lg": lambda number: _log(number, Fraction(10)),
    "abs": _abs,
    "floor": _rounded(math.floor, "floor"),
    "ceil": _rounded(math.ceil, "ceil"),
    **{name: _function(name) for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{name: _function(name) for name in ("asin", "acos", "atan")},
    **{name: _function(name, largest=_MOST_BITS) for name in ("exp", "sinh", "cosh", "tanh")},
}
