"""The ``score`` of a suite: a formula over its graders, parsed by a whitelist, never run as code.

A name stands for the grader's score. As a condition (before ``if``, beside ``and``, ``or``, after
``not``) it asks whether the grader passed; ``and``, ``or``, ``not`` and comparisons give 1 or 0.
Only what is needed is looked at: in ``a if b else c`` one of a and c.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.errors import Fault
from evalkit.graders.base import OptionError, UngradableError, clip
from evalkit.model import Grade, Graded, Source

Grades = Mapping[str, Graded]
Term = Callable[[Grades], float]
Condition = Callable[[Grades], bool]

_ALLOWED = "grader names, numbers, + - * /, comparisons, and, or, not, min, max, x if y else z"
_ROUNDING = 1e-9
_MOST_CORNERS = 4096

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: Mapping[str, Callable[[Iterable[float]], float]] = {"min": min, "max": max}


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula. ``names`` are the graders it mentions, in the order of the text."""

    text: str
    names: tuple[str, ...]
    term: Term

    def score(self, grades: Grades) -> float | None:
        """Return the score in [0, 1].

        ``None`` if a grade that is needed is ungraded, the result lies outside [0, 1], or there is
        a division by zero.
        """
        try:
            value = self.term(grades)
        except (UngradableError, ArithmeticError):
            return None
        return min(max(value, 0.0), 1.0) if _in_range(value) else None


def parse_formula(text: str) -> Formula:
    """Parse a formula; raise `OptionError` for anything that is none."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        nodes = list(ast.walk(tree))
        term = _term(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise OptionError("a formula of " + _ALLOWED, got=clip(text), instead="queue") from error
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = [n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called]
    return Formula(text, tuple(dict.fromkeys(names)), term)


def check_score(text: str, names: Sequence[str], source: Source) -> list[Fault]:
    """Return what is wrong with a suite's score over graders called ``names``.

    Every grader is tried at 0 and at 1: a formula that leaves [0, 1] there, or divides by zero, is
    found before any call is made.
    """
    try:
        formula = parse_formula(text)
    except OptionError as error:
        return [Fault(source.path, source.line, error.needed, error.got, error.instead)]
    problems = (
        list(_unknown(formula, names))
        or list(_unmoved(formula, names))
        or list(itertools.islice(_strays(formula), 1))
    )
    return [Fault(source.path, source.line, *problem) for problem in problems]


def _unknown(formula: Formula, known: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for name in formula.names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            instead = f"{near[0]} (did you mean it?)" if near else "one of them"
            yield "names of graders: " + ", ".join(known), f"'{name}' in the score", instead


def _unmoved(formula: Formula, known: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    if not formula.names:
        got = "a score that no answer can change"
        yield "a grader's name or a formula over names", got, known[0] if known else "a grader"


def _strays(formula: Formula) -> Iterator[tuple[str, str, str]]:
    corners = itertools.product((0.0, 1.0), repeat=len(formula.names))
    for corner in itertools.islice(corners, _MOST_CORNERS):
        grades = {n: Grade(v, v == 1.0) for n, v in zip(formula.names, corner, strict=True)}
        try:
            value = formula.term(grades)
            got = f"{value:g}"
        except ArithmeticError:
            value, got = float("nan"), "a division by zero"
        if not _in_range(value):
            where = ", ".join(f"{n} = {v:g}" for n, v in zip(formula.names, corner, strict=True))
            instead = "weights that add up to 1, min(1, ...), or a condition with if and else"
            yield "a score from 0 to 1 for all grades", f"{got} at {where}", instead


def _in_range(value: float) -> bool:
    return -_ROUNDING <= value <= 1 + _ROUNDING


def _term(node: ast.expr) -> Term:
    return _TERMS.get(type(node), _refuse)(node)


def _condition(node: ast.expr) -> Condition:
    if isinstance(node, ast.Name):
        name = node.id
        return lambda grades: _grade(grades, name).passed
    term = _term(node)
    return lambda grades: term(grades) != 0


def _grade(grades: Grades, name: str) -> Grade:
    grade = grades[name]
    if isinstance(grade, Grade):
        return grade
    raise UngradableError(f"{name}: {grade.why}")


def _refuse(node: ast.expr) -> Term:
    raise OptionError("a formula of " + _ALLOWED, got=clip(ast.unparse(node)), instead="queue")


def _name(node: ast.Name) -> Term:
    name = node.id
    return lambda grades: _grade(grades, name).score


def _constant(node: ast.Constant) -> Term:
    if not isinstance(node.value, int | float):
        return _refuse(node)
    value = float(node.value)
    return lambda _grades: value


def _binary(node: ast.BinOp) -> Term:
    combine = _ARITHMETIC.get(type(node.op))
    if combine is None:
        return _refuse(node)
    left, right = _term(node.left), _term(node.right)
    return lambda grades: combine(left(grades), right(grades))


def _unary(node: ast.UnaryOp) -> Term:
    if isinstance(node.op, ast.Not):
        condition = _condition(node.operand)
        return lambda grades: float(not condition(grades))
    if isinstance(node.op, ast.USub):
        term = _term(node.operand)
        return lambda grades: -term(grades)
    return _refuse(node)


def _boolean(node: ast.BoolOp) -> Term:
    conditions = [_condition(value) for value in node.values]
    join = all if isinstance(node.op, ast.And) else any
    return lambda grades: float(join(condition(grades) for condition in conditions))


def _comparison(node: ast.Compare) -> Term:
    compares = [_COMPARISONS.get(type(op)) for op in node.ops]
    terms = [_term(value) for value in (node.left, *node.comparators)]
    known = [compare for compare in compares if compare is not None]
    if len(known) < len(compares):
        return _refuse(node)

    def term(grades: Grades) -> float:
        values = [each(grades) for each in terms]
        steps = zip(known, values, values[1:], strict=False)
        return float(all(compare(left, right) for compare, left, right in steps))

    return term


def _choice(node: ast.IfExp) -> Term:
    condition, then, otherwise = _condition(node.test), _term(node.body), _term(node.orelse)
    return lambda grades: then(grades) if condition(grades) else otherwise(grades)


def _call(node: ast.Call) -> Term:
    function = _FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
    if function is None or not node.args or node.keywords:
        return _refuse(node)
    terms = [_term(argument) for argument in node.args]
    return lambda grades: function(term(grades) for term in terms)


_TERMS: Mapping[type[ast.expr], Callable[[Any], Term]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
    ast.Call: _call,
}
