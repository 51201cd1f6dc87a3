"""Rates as a table: plain text of 80 columns, and Markdown for the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from evalkit.validation.rates import Rate

_WIDTH = 80
_COLUMNS = f"{'nominal':>7} {'measured':>8} {'allowed':>13} {'runs':>9} ok"
_WORDS = _WIDTH - len(_COLUMNS) - 2


def as_text(family: str, rates: Iterable[Rate]) -> str:
    """Return the rates of one family: a line for each method and kind, and settings below."""
    lines = [f"{family:<{_WORDS}} {_COLUMNS}"]
    for (method, kind), group in _by_method(rates):
        lines += textwrap.wrap(f"{method}: {kind}", _WIDTH - 2, initial_indent="  ")
        for rate in group:
            lines += _setting(rate)
    return "\n".join(lines)


def as_markdown(family: str, rates: Iterable[Rate]) -> str:
    """Return a heading and a table row for each rate."""
    lines = [
        f"### {family}",
        "",
        "| method | setting | kind | nominal | measured | allowed | runs | kept |",
        "|---|---|---|---:|---:|:---:|---:|:---:|",
        *(f"| {' | '.join(_cells(rate))} |" for rate in rates),
    ]
    return "\n".join(lines)


def _by_method(rates: Iterable[Rate]) -> Iterator[tuple[tuple[str, str], Sequence[Rate]]]:
    def key(rate: Rate) -> tuple[str, str]:
        return rate.method, rate.kind

    order: dict[tuple[str, str], int] = {}
    listed = list(rates)
    for rate in listed:
        order.setdefault(key(rate), len(order))
    for name, group in groupby(sorted(listed, key=lambda rate: order[key(rate)]), key):
        yield name, tuple(group)


def _setting(rate: Rate) -> list[str]:
    shares = f"{_number(rate.nominal):>7} {rate.measured:>8.4f} {_allowed(rate):>13}"
    figures = f"{shares} {rate.runs:>9,} "
    wrapped = textwrap.wrap(rate.setting, _WORDS - 4, break_on_hyphens=False) or [""]
    padded = [f"    {line:<{_WORDS - 4}}" for line in wrapped]
    return [*(line.rstrip() for line in padded[:-1]), f"{padded[-1]} {figures}{_ok(rate)}"]


def _number(value: float) -> str:
    """Return a rate without digits that say nothing: .05 as 0.05, .6415 as 0.6415."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _allowed(rate: Rate) -> str:
    low, high = rate.allowed
    if low == high:
        return _number(low)
    if (low, high) == (0, 1):
        return "any"
    if low == 0 or high == 1:
        return f"<= {_number(high)}" if low == 0 else f">= {_number(low)}"
    return f"{_number(low)}-{_number(high)}"


def _ok(rate: Rate) -> str:
    return "yes" if rate.kept else "NO"


def _cells(rate: Rate) -> Iterator[str]:
    for text in (rate.method, rate.setting, rate.kind):
        yield text.replace("|", "\\|")
    yield from (_number(rate.nominal), f"{rate.measured:.4f}", _allowed(rate))
    yield from (f"{rate.runs:,}", _ok(rate))
