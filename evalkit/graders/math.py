"""The grader `math`: whether the formula that a reply ends in is equal to the expected one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from typing import Any

from evalkit.graders.base import (
    TextGrader,
    UngradableError,
    against_reference,
    missing_package,
    verdict,
    wrong,
)
from evalkit.graders.formula_text import LONGEST, candidates, plain
from evalkit.graders.formula_tree import KNOWN, FormulaError, Node, parse
from evalkit.graders.formula_value import Point, UndefinedError, Value, is_real, near, value
from evalkit.graders.text import as_text
from evalkit.model import Grade, GraderSpec

_TRIES = 18
_ENOUGH = 6
_WORDS = re.compile(r"(?:[A-Za-z]{3,}|no)(?: [A-Za-z]+)*", re.IGNORECASE)

Equal = Callable[[Value, Value], bool]


@dataclass(frozen=True, slots=True)
class _Expected:
    text: str
    tree: Node | str


def math(spec: GraderSpec) -> TextGrader:
    r"""Compare the formula that the reply gives with the expected one, whatever its form.

    Two formulas are equal if they have equal values: constants to 60 digits, formulas in variables
    at six random points or more where both are real (a test of identity after Schwartz and Zippel).
    ``abs`` and ``rel`` are tolerances as `numeric` has them. Lists and sets are equal in any order,
    tuples and intervals in the order given; a few words ("no solution") are compared as text.
    Where a reply's formula stands: `evalkit.graders.formula_text`. What cannot be read as a formula
    is a wrong answer; an expected one that cannot is ungraded.
    """
    if find_spec("mpmath") is None:
        raise missing_package("mpmath", extra="math", use="math")
    absolute, relative = (float(spec.options.get(name, 0)) for name in ("abs", "rel"))
    equal = partial(near, absolute=absolute, relative=relative)

    def prepare(reference: Any) -> _Expected:  # noqa: ANN401  (as the user wrote it)
        text = as_text(reference)
        try:
            tree = _read(next(candidates(text)))
            defined = isinstance(tree, str) or same(tree, tree, equal=equal)
        except FormulaError as error:
            raise UngradableError(f"expected must be a formula: {error}") from error
        if not defined:
            raise UngradableError(f"expected has no value: {text:.60}")
        return _Expected(text, tree)

    def compare(text: str, expected: _Expected) -> Grade:
        found = next(_readable(text), None)
        if found is None:
            return wrong(f"no formula in the answer, expected {expected.text}")
        written, tree = found
        if isinstance(tree, str) or isinstance(expected.tree, str):
            passed = tree == expected.tree
        else:
            passed = tree == expected.tree or same(tree, expected.tree, equal=equal)
        return verdict(passed=passed, reason=f"{written}, expected {expected.text}", answer=written)

    return against_reference(spec.options, prepare=prepare, compare=compare)


def same(answer: Node, expected: Node, *, equal: Equal = near) -> bool:
    """Return whether two formulas are equal by ``equal`` wherever both have a value."""
    if answer.op == "group" or expected.op == "group":
        alike = answer.op == expected.op and answer.text == expected.text
        if not alike or len(answer.args) != len(expected.args):
            return False
        if expected.text in {"", "{}"}:
            return _same_in_any_order(answer.args, list(expected.args), equal=equal)
        pairs = zip(answer.args, expected.args, strict=True)
        return all(same(a, e, equal=equal) for a, e in pairs)
    if _infinite(answer) or _infinite(expected):
        return answer == expected
    return _same_values(answer, expected, equal=equal)


def _same_in_any_order(answer: Sequence[Node], expected: list[Node], *, equal: Equal) -> bool:
    for item in answer:
        hit = next((e for e in expected if same(item, e, equal=equal)), None)
        if hit is None:
            return False
        expected.remove(hit)
    return True


def _infinite(node: Node) -> bool:
    return (node.args[0] if node.op == "neg" else node) == Node("constant", text="inf")


def _same_values(answer: Node, expected: Node, *, equal: Equal) -> bool:
    names = sorted(answer.names() | expected.names())
    complex_pairs: list[tuple[Value, Value]] = []
    real = 0
    for point in _points(names):
        try:
            a, e = value(answer, point), value(expected, point)
        except UndefinedError:
            continue
        if not (is_real(a) and is_real(e)):
            complex_pairs.append((a, e))
            continue
        real += 1
        if not equal(a, e):
            return False
        if real == _ENOUGH:
            return True
    if real:
        return not names or real >= _ENOUGH // 2
    return bool(complex_pairs) and all(equal(a, e) for a, e in complex_pairs[:_ENOUGH])


def _points(names: Sequence[str]) -> Iterator[Point]:
    """Yield where to compare: once without variables, else at random fractions from -4 to 4."""
    rng = random.Random(0)  # noqa: S311  (no secret; the same points in every run)
    for _ in range(_TRIES if names else 1):
        yield {n: Fraction(rng.choice((-1, 1)) * rng.randint(1, 388), 97) for n in names}


def _readable(text: str) -> Iterator[tuple[str, Node | str]]:
    for candidate in candidates(text):
        if len(candidate.strip()) <= LONGEST:
            try:
                yield candidate.strip(), _read(candidate)
            except FormulaError:
                continue


def _read(text: str) -> Node | str:
    """Return the tree of a formula, or words that are none in lower case without their spacing."""
    bare = " ".join(plain(text[: LONGEST + 1]).split())
    if _WORDS.fullmatch(bare) and KNOWN.isdisjoint(bare.split()):
        return bare.casefold()
    return parse(text)
