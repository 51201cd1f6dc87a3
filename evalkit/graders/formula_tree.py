"""A formula in plain notation or LaTeX, parsed by a whitelist to a small tree; nothing is run.

Known: numbers, one-letter variables with subscripts, Greek letters, pi, e, i, + - * / ^ !, %,
fractions, roots, |x|, the functions below, degrees, lists, tuples, intervals, sets, and +- for two
values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from evalkit.graders.formula_text import LONGEST, plain

DEEPEST = 40
"""Brackets inside brackets beyond which a text is no formula."""


class FormulaError(ValueError):
    """A text is no formula that can be read; says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation on nodes.

    ``op``: number, name, constant, add, mul, div, inverse (1/x), pow, neg, factorial, root, binom,
    the name of a function, or group. ``text`` is a name, or a group's brackets (""
    for a bare list).
    """

    op: str
    args: tuple[Node, ...] = ()
    text: str = ""
    number: Fraction = Fraction(0)

    def names(self) -> frozenset[str]:
        """Return the variables in the tree."""
        below = frozenset[str]().union(*(arg.names() for arg in self.args))
        return below | {self.text} if self.op == "name" else below


FUNCTIONS: Mapping[str, str] = {
    **{name: name for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")},
    **{name: name for name in ("asin", "acos", "atan", "exp", "abs", "lg", "sqrt", "log", "ln")},
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "floor": "floor", "ceil": "ceil",
}  # fmt: skip
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan"}
_CONSTANTS = {"pi": "pi", "e": "e", "i": "i", "inf": "inf", "infty": "inf", "infinity": "inf"}
_LETTERS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho
    sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega
"""
_GREEK = frozenset(_LETTERS.split())
KNOWN = _GREEK | FUNCTIONS.keys() | _CONSTANTS.keys()
"""Words that mean something in a formula."""
_OPERATORS = {"**": "^", "\\cdot": "*", "\\times": "*", "\\div": "/", "\\{": "\\{", "\\}": "\\}"}
_SEPARATORS = frozenset({",", ";", "or", "and", "\\cup"})
_TOKEN = re.compile(
    r"\s+|(?P<number>\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?"
    r"|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,4}(?!\d))?)"
    r"|(?P<word>\\?[A-Za-z]+)|(?P<sign>\*\*|\\[{}]|[-+*/^!%\u00b0|(){}\[\],;=_])"
)
_LONGEST_WORD = 3
_MOST_AFTER = 2  # signs such as ! and % after one thing
_CLOSING = frozenset({")", "]", "}", "\\}"})
_OPEN = {"(": ")]", "[": ")]", "{": "}", "\\{": "\\}"}


def parse(text: str) -> Node:
    """Return the tree of a formula.

    ``x = 5`` is 5, and ``5 = x`` is too. A bare list and the two values of ± are a group without
    brackets. Raises `FormulaError` for what is no formula.
    """
    if len(text) > LONGEST:
        raise FormulaError(f"{len(text)} characters are no formula")
    tokens = _tokens(plain(text))
    if {"\\pm", "\\mp"}.isdisjoint(tokens):
        return _Parser(tokens).whole()
    plus, minus = ({"\\pm": a, "\\mp": b} for a, b in ("+-", "-+"))
    both = (_Parser([swap.get(t, t) for t in tokens]).whole() for swap in (plus, minus))
    return Node("group", tuple(both))


def _tokens(text: str) -> list[str]:
    """Return numbers, words (with their backslash) and signs; commas inside brackets separate."""
    tokens: list[str] = []
    place = depth = 0
    while place < len(text):
        hit = _TOKEN.match(text, place)
        if hit is None:
            raise FormulaError(f"{text[place]!r} is no part of a formula")
        token, place = hit[0], hit.end()
        if hit["number"] and "," in token and depth:
            token = token.partition(",")[0]
            place = hit.start() + len(token)
        depth += (token in _OPEN) - (token in _CLOSING)
        if not token.isspace():
            tokens.append(_OPERATORS.get(token, token))
    return tokens


@dataclass(slots=True)
class _Parser:
    tokens: list[str]
    place: int = 0
    depth: int = 0
    bars: int = 0
    calls: int = 0
    prefixes: Mapping[str, Callable[[], Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.prefixes = {"\\frac": self._fraction, "\\binom": self._binomial, "\\sqrt": self._root}

    def whole(self) -> Node:
        items = self._items()
        if self._next():
            raise FormulaError(f"{self._next()!r} is out of place")
        return items[0] if len(items) == 1 else Node("group", tuple(items))

    def _next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if not token or (wanted and token not in wanted):
            raise FormulaError(f"{token or 'the end'!r} where {' or '.join(wanted) or 'more'} goes")
        self.place += 1
        return token

    def _skip(self, token: str) -> bool:
        self.place += (found := self._next() == token)
        return found

    def _items(self) -> list[Node]:
        items = [self._item()]
        while self._next() in _SEPARATORS:
            self._take()
            if self._next() in {"or", "and"}:
                self._take()
            items.append(self._item())
        return items

    def _item(self) -> Node:
        """Return an expression; of an equation the last side that is more than a variable."""
        sides = [self._sum()]
        while self._skip("="):
            sides.append(self._sum())
        return next((side for side in reversed(sides) if side.op != "name"), sides[-1])

    def _sum(self) -> Node:
        negative = self._sign()
        terms = [Node("neg", (self._product(),)) if negative else self._product()]
        while self._next() in {"+", "-"}:
            negative = self._sign()
            term = self._product()
            terms.append(Node("neg", (term,)) if negative else term)
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def _sign(self) -> bool:
        negative = False
        while self._next() in {"+", "-"}:
            negative ^= self._take() == "-"
        return negative

    def _product(self) -> Node:
        left = self._power()
        while True:
            if self._next() in {"*", "/"}:
                divided = self._take() == "/"
                right = self._signed_power()
                left = _times(left, Node("inverse", (right,)) if divided else right)
            elif not self._starts_factor():
                return left
            else:
                left = self._beside(left)

    def _beside(self, left: Node) -> Node:
        """Return two things side by side: a product, or a mixed number such as 1 1/2."""
        whole = left.op == "number" and left.number.denominator == 1
        if self._next()[0].isdigit():
            right = self._power()
            self._take("/")
            right = Node("div", (right, self._power()))
            if whole and right.args[1].op == "number":
                return Node("add", (left, right))
            raise FormulaError("two numbers side by side")
        mixed = whole and self._next() == "\\frac"
        right = self._power()
        mixed = mixed and right.op == "div" and all(arg.op == "number" for arg in right.args)
        return Node("add", (left, right)) if mixed else _times(left, right)

    def _starts_factor(self) -> bool:
        token = self._next()
        if token == "|":  # noqa: S105  (a bar, no password)
            return not self.bars
        return bool(token) and token not in _SEPARATORS and (token in _OPEN or token[-1].isalnum())

    def _signed_power(self) -> Node:
        negative = self._sign()
        power = self._power()
        return Node("neg", (power,)) if negative else power

    def _power(self) -> Node:
        base = self._atom()
        for _ in range(_MOST_AFTER):
            base = self._after(base)
        if not self._skip("^"):
            return base
        return Node("pow", (base, self._deeper(self._signed_power)))

    def _after(self, base: Node) -> Node:
        """Return ``base`` with the sign after it; degrees count only inside a function."""
        if self._skip("!"):
            return Node("factorial", (base,))
        if self._skip("%"):
            return _times(base, Node("inverse", (_number(100),)))
        if self._skip("\u00b0") and self.calls:
            half_turn = Node("inverse", (_number(180),))
            return Node("mul", (base, Node("constant", text="pi"), half_turn))
        return base

    def _deeper(self, parse_: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError("too many brackets inside brackets")
        node = parse_()
        self.depth -= 1
        return node

    def _atom(self) -> Node:
        token = self._take()
        if token[0].isdigit() or token[0] == ".":
            return Node("number", number=Fraction(token.replace(",", "")))
        if token in _OPEN:
            return self._deeper(lambda: self._group(token))
        if token == "|":  # noqa: S105  (a bar, no password)
            return self._deeper(self._absolute)
        if token in self.prefixes:
            return self._deeper(self.prefixes[token])
        if token[-1].isalpha():
            return self._deeper(lambda: self._word(token))
        raise FormulaError(f"{token!r} is out of place")

    def _group(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        items = self._items()
        closing = self._take(*((_OPEN[opening],) if opening == "\\{" else _OPEN[opening]))
        self.bars = bars
        if len(items) == 1 and opening != "\\{":
            return items[0]
        brackets = "{}" if opening in {"{", "\\{"} else opening + closing
        return Node("group", tuple(items), brackets)

    def _absolute(self) -> Node:
        self.bars += 1
        node = self._sum()
        self._take("|")
        self.bars -= 1
        return Node("abs", (node,))

    def _argument(self) -> Node:
        """Return the argument of a LaTeX command: a group, or the next sign."""
        token = self._next()
        if len(token) > 1 and token.isdigit():
            self.tokens[self.place] = token[1:]
            return _number(int(token[0]))
        return self._atom()

    def _fraction(self) -> Node:
        return Node("div", (self._argument(), self._argument()))

    def _binomial(self) -> Node:
        return Node("binom", (self._argument(), self._argument()))

    def _root(self) -> Node:
        index = _number(2)
        if self._skip("["):
            index = self._sum()
            self._take("]")
        return Node("root", (self._argument(), index))

    def _word(self, token: str) -> Node:
        word = token.removeprefix("\\")
        if word in FUNCTIONS:
            return self._call(FUNCTIONS[word])
        if word in _CONSTANTS:
            return Node("constant", text=_CONSTANTS[word])
        if word in _GREEK:
            return Node("name", text=word + self._subscript())
        if token != word or len(word) > _LONGEST_WORD:
            raise FormulaError(f"{token!r} is no part of a formula")
        letters = [self._letter(letter) for letter in word[:-1]]
        last = self._letter(word[-1], self._subscript())
        return Node("mul", (*letters, last)) if letters else last

    def _letter(self, letter: str, subscript: str = "") -> Node:
        if letter in _CONSTANTS and not subscript:
            return Node("constant", text=letter)
        return Node("name", text=letter + subscript)

    def _subscript(self) -> str:
        if not self._skip("_"):
            return ""
        if not self._skip("{"):
            return "_" + self._take()
        inside = []
        while self._next() != "}":
            inside.append(self._take())
        self._take()
        return "_" + "".join(inside)

    def _call(self, function: str) -> Node:
        base = None
        if function == "log" and self._skip("_"):
            base = self._atom()
        power = self._deeper(self._signed_power) if self._skip("^") else None
        if power == Node("neg", (_number(1),)) and function in _INVERSE:
            function, power = _INVERSE[function], None
        self.calls += 1
        argument = self._atom() if self._next() in {*_OPEN, "|"} else self._bare_argument()
        self.calls -= 1
        called = {"sqrt": Node("root", (argument, _number(2)))}.get(
            function, Node(function, (argument, base) if base else (argument,))
        )
        return Node("pow", (called, power)) if power else called

    def _bare_argument(self) -> Node:
        """Return what a function without brackets takes: sin 2x is sin(2x), sin x cos x is not."""
        argument = self._deeper(self._signed_power)
        while self._starts_factor() and self._next() not in _OPEN:
            if self._next().removeprefix("\\") in FUNCTIONS or self._next()[0].isdigit():
                break
            argument = _times(argument, self._deeper(self._power))
        return argument


def _times(left: Node, right: Node) -> Node:
    """Return a product, flat however many factors it has."""
    factors = left.args if left.op == "mul" else (left,)
    return Node("mul", (*factors, right))


def _number(value: int) -> Node:
    return Node("number", number=Fraction(value))
