"""Every name that a module gives a method, read off its source.

A name is what stands at the field ``method`` of a result, in a keyword ``method=`` of any call, or
what a property ``method`` returns. It is followed through variables, parameters of the same module,
both sides of a condition and f-strings, where what cannot be told counts as a number.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from types import ModuleType

NUMBER = "7"
"""What stands for a part of a name that the source does not tell."""

NOT_NAMES = frozenset({"adjust", "quantile", "multivariate_hypergeometric", "wilcoxon", "_p_value"})
"""Calls whose ``method=`` is a choice of theirs."""

Function = ast.FunctionDef | None
Names = set[str] | None
"""None where the source cannot be read, empty where a name is only passed on."""


class Source:
    """One module, its tree with the function around each node."""

    def __init__(self, module: ModuleType, text: str) -> None:
        self.module = module
        self.name = module.__name__.rpartition(".")[2]
        self.inside: dict[ast.AST, Function] = {}
        self.tree = ast.parse(text)
        self._enter(self.tree, None)

    def _enter(self, node: ast.AST, function: Function) -> None:
        self.inside[node] = function
        for child in ast.iter_child_nodes(node):
            self._enter(child, node if isinstance(node, ast.FunctionDef) else function)

    def names(self) -> Iterator[tuple[str, Names]]:
        """Yield where a method is named, and its names."""
        for node in self.inside:
            for given in self._given(node):
                function = self.inside[given]
                yield f"{self.name}.{function.name if function else ''}", self.read(given)

    def _given(self, node: ast.AST) -> Iterator[ast.expr]:
        if isinstance(node, ast.FunctionDef) and node.name == "method":
            yield from (r.value for r in ast.walk(node) if isinstance(r, ast.Return) and r.value)
        elif isinstance(node, ast.AnnAssign) and _named(node.target, "method") and node.value:
            yield node.value
        elif isinstance(node, ast.Call) and _called(node) not in NOT_NAMES:
            yield from self._of_call(node)

    def _of_call(self, call: ast.Call) -> Iterator[ast.expr]:
        yield from (k.value for k in call.keywords if k.arg == "method")
        kind = getattr(self.module, _called(call), None)
        if not (inspect.isclass(kind) and dataclasses.is_dataclass(kind)):
            return
        fields = [f.name for f in dataclasses.fields(kind)]
        if "method" in fields:
            place = fields.index("method")
            spread = any(isinstance(a, ast.Starred) for a in call.args[: place + 1])
            yield from [call] if spread else call.args[place : place + 1]

    def read(self, node: ast.expr) -> Names:
        """Return the names that an expression may give."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr(values=parts):
                return _joined([self._part(part) for part in parts])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self._part(left), self._part(right)])
            case ast.BinOp(left=left, op=ast.Mult()):
                return self.read(left)
            case ast.IfExp(body=yes, orelse=no):
                return _either([self.read(yes), self.read(no)])
        return self._reference(node)

    def _reference(self, node: ast.expr) -> Names:
        match node:
            case ast.Tuple(elts=elements):
                return _either(map(self.read, elements))
            case ast.Attribute(attr="method") | ast.Subscript(value=ast.Attribute(attr="method")):
                return set()
            case ast.Subscript(value=ast.Name(id=name)):
                return self._chosen(name, node)
            case ast.Name(id=name):
                return self._variable(name, self.inside[node])
        return None

    def _part(self, node: ast.expr) -> set[str]:
        found = self.read(node.value if isinstance(node, ast.FormattedValue) else node)
        return found or {NUMBER}

    def _chosen(self, name: str, node: ast.AST) -> Names:
        """Return the values of a table of names, in the function or in the module."""
        table = getattr(self.module, name, None)
        if isinstance(table, dict):
            return set(table.values())
        tables = [v for v in self._values(name, self.inside[node]) if isinstance(v, ast.Dict)]
        return _either(self.read(v) for table in tables for v in table.values) if tables else None

    def _variable(self, name: str, function: Function) -> Names:
        values = list(self._values(name, function))
        if values:
            whole = _either(self.read(v) if v else None for v in values)
            added = {"", *self._added(name, function)}
            return None if whole is None else _joined([whole, added])
        if function and name in _parameters(function):
            return self._argument(name, function)
        found = getattr(self.module, name, None)
        return {found} if isinstance(found, str) else None

    def _values(self, name: str, function: Function) -> Iterator[ast.expr | None]:
        for node in ast.walk(function) if function else ():
            if isinstance(node, ast.Assign):
                yield from _bound(name, node.targets[0], [node.value])
            elif isinstance(node, ast.For | ast.comprehension):
                rows = node.iter.elts if isinstance(node.iter, ast.Tuple) else [None]
                yield from _bound(name, node.target, rows)

    def _added(self, name: str, function: Function) -> Iterator[str]:
        for node in ast.walk(function) if function else ():
            if isinstance(node, ast.AugAssign) and _named(node.target, name):
                yield from self.read(node.value) or {NUMBER}

    def _argument(self, name: str, function: ast.FunctionDef) -> Names:
        """Return what the calls in this module pass; other modules pass ``method`` by its name."""
        place = _parameters(function).index(name)
        given = [v for call in self._calls[function.name] for v in _passed(call, name, place)]
        given += _default(function, name)
        if given:
            return _either(map(self.read, given))
        return set() if name == "method" else None

    @cached_property
    def _calls(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = {}
        for node in self.inside:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, [])
            elif isinstance(node, ast.Call):
                found.setdefault(_called(node), []).append(node)
        return found


def _called(call: ast.Call) -> str:
    func = call.func
    return func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")


def _named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _parameters(function: ast.FunctionDef) -> list[str]:
    found = function.args
    return [a.arg for a in (*found.posonlyargs, *found.args, *found.kwonlyargs)]


def _passed(call: ast.Call, name: str, place: int) -> list[ast.expr]:
    by_name = [k.value for k in call.keywords if k.arg == name]
    return by_name or call.args[place : place + 1]


def _default(function: ast.FunctionDef, name: str) -> list[ast.expr]:
    found = function.args
    keyword = zip(found.kwonlyargs, found.kw_defaults, strict=True)
    plain = zip(reversed(found.args), reversed(found.defaults), strict=False)
    return [value for arg, value in (*keyword, *plain) if arg.arg == name and value]


def _bound(
    name: str, target: ast.expr, rows: Iterable[ast.expr | None]
) -> Iterator[ast.expr | None]:
    """Yield what ``name`` is bound to, None for what cannot be told."""
    if _named(target, name):
        yield from rows
    elif isinstance(target, ast.Tuple):
        place = next((i for i, e in enumerate(target.elts) if _named(e, name)), None)
        if place is not None:
            yield from (r.elts[place] if isinstance(r, ast.Tuple) else None for r in rows)


def _either(parts: Iterable[Names]) -> Names:
    found: set[str] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def _joined(parts: Iterable[set[str]]) -> set[str]:
    return {"".join(words) for words in product(*parts)}
