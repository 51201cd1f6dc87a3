"""The grader `sql_equal`: whether a SQL answer says the same as the expected one, by its syntax.

Both are parsed by sqlglot and brought into one form; nothing is run, and no table is known.

Seen as equal: spaces, comments, case of keywords, of unquoted names and of functions, a last
semicolon, quotes around names, parentheses that change nothing, AS before an alias, INNER and
OUTER where they are implied, <> and !=, the sides of = and of < and >, the order of what AND, OR
and an IN list join, and what the dialect spells in two ways. Not seen as equal though the same rows
may come out: another order of columns, tables or joins, other aliases, * for all columns, a join
for a subquery, BETWEEN for two comparisons, 1.0 for 1.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from evalkit.graders.base import (
    OptionError,
    TextGrader,
    UngradableError,
    against_reference,
    bounded,
    clip,
    missing_package,
    verdict,
    wrong,
)
from evalkit.graders.jsontext import unfenced
from evalkit.graders.text import as_texts
from evalkit.model import Grade, GraderSpec

MOST_READ = 20_000

Form = tuple[Any, ...]

_MIRRORED = {"GT": "LT", "GTE": "LTE"}
_SYMMETRIC = ("EQ", "NEQ", "NullSafeEQ", "NullSafeNEQ")


def sql_equal(spec: GraderSpec) -> TextGrader:
    """Ask whether the reply is SQL of the same canonical form as the expected statement.

    Or as one of several. ``dialect`` is a dialect of sqlglot; without it, its own broad one.
    """
    dialect = _dialect(spec.options.get("dialect"))
    fenced = spec.options.get("fenced", False)

    def prepare(raw: Any) -> list[Form]:  # noqa: ANN401  (as the user wrote it)
        try:
            return [_canonical(text, dialect) for text in as_texts(raw)]
        except ValueError as error:
            raise UngradableError(f"expected is not SQL: {error}") from error

    def compare(text: str, accepted: list[Form]) -> Grade:
        answer = bounded(unfenced(text) if fenced else text, MOST_READ, use="sql_equal")
        try:
            found = _canonical(answer, dialect)
        except ValueError as error:
            return wrong(f"not SQL: {error}")
        passed = found in accepted
        return verdict(passed=passed, reason="" if passed else "another statement")

    return against_reference(spec.options, prepare=prepare, compare=compare)


def _dialect(name: str | None) -> Any:  # noqa: ANN401  (of the package)
    try:
        from sqlglot.dialects.dialect import Dialect
    except ImportError as error:
        raise missing_package("sqlglot", extra="sql", use="SQL") from error
    # What it warns of, statements that it does not know, shows in the grade.
    logging.getLogger("sqlglot").addHandler(logging.NullHandler())
    try:
        return Dialect.get_or_raise(name)
    except ValueError as error:
        known = "a dialect of sqlglot, such as postgres, mysql, sqlite, bigquery, tsql"
        raise OptionError(known, got=clip(str(error)), instead="dialect: postgres") from error


def _canonical(text: str, dialect: Any) -> Form:  # noqa: ANN401  (of the package)
    """Return the form of all statements; raise `ValueError` if the text is not SQL."""
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

    try:
        trees = [tree for tree in dialect.parse(text) if tree is not None]
        form = tuple(_form(normalize_identifiers(tree, dialect=dialect)) for tree in trees)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (SqlglotError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        # All but the first are how the parser stumbles over some texts that are no SQL.
        raise ValueError(clip(str(error).partition("\n")[0])) from error
    if not form:
        raise ValueError("nothing")
    return form


def _form(node: Any) -> Any:  # noqa: ANN401  (a node of the package, or what it holds)
    """Return a tree as nested tuples that compare equal where the statement is the same."""
    from sqlglot import exp

    if isinstance(node, list):
        return tuple(map(_form, node))
    if isinstance(node, exp.Paren):
        return _form(node.this)
    if isinstance(node, exp.Connector):
        return type(node).__name__, _unordered(_operands(node, type(node)))
    if isinstance(node, exp.Expression):
        return _fields(node)
    return str(node)


def _fields(node: Any) -> Form:  # noqa: ANN401  (of the package)
    """Return the form of a node of which no other rule says more."""
    from sqlglot import exp

    kind = type(node).__name__
    if isinstance(node, exp.Identifier):
        return kind, node.name
    fields = {name: _form(value) for name, value in node.args.items() if value}
    if kind in _SYMMETRIC:
        return kind, _unordered(fields.values())
    if kind in _MIRRORED:
        return _MIRRORED[kind], (("expression", fields["this"]), ("this", fields["expression"]))
    if isinstance(node, exp.In) and "expressions" in fields:
        fields["expressions"] = _unordered(fields["expressions"])
    if isinstance(node, exp.Anonymous):
        fields["this"] = fields["this"].upper()
    if isinstance(node, exp.Join) and node.kind == ("OUTER" if node.side else "INNER"):
        del fields["kind"]
    return kind, tuple(sorted(fields.items()))


def _unordered(forms: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted(map(repr, forms)))


def _operands(node: Any, kind: Any) -> Iterator[Any]:  # noqa: ANN401  (of the package)
    """Yield the forms of what a chain of AND, or of OR, joins."""
    from sqlglot import exp

    stack: list[Any] = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, exp.Paren):
            stack.append(top.this)
        elif type(top) is kind:
            stack += [top.args["this"], top.args["expression"]]
        else:
            yield _form(top)
