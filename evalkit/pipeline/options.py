"""What a shell (pytest or the command line) may ask of a run."""

from __future__ import annotations

import math
import re
import shlex
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.model.project import Budget

_AMOUNT = re.compile(r"\s*(money|requests|tokens)\s*=\s*(\S+)\s*")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def positive(text: str) -> int:
    """Return a count from a command line; raise what argparse shows for anything below 1."""
    if not text.isdecimal() or not int(text):
        raise argument_fault("a whole number from 1", got=text, instead="such as 50")
    return int(text)


def budget(text: str) -> Budget:
    """Return what a run may spend: "money=5,requests=1000,tokens=2e6", in part or whole."""
    limits: dict[str, float] = {}
    for part in text.split(","):
        found = _AMOUNT.fullmatch(part)
        name, amount = (found[1], _number(found[2])) if found else ("", 0.0)
        least = 0.0 if name == "money" else 1.0
        if not name or name in limits or not (amount > 0 and amount >= least):
            raise argument_fault(
                "money, requests or tokens, each at most once, with an amount above 0",
                got=text,
                instead="such as money=5 or money=5,requests=1000,tokens=2e6",
            )
        limits[name] = amount
    whole = {name: int(amount) for name, amount in limits.items() if name != "money"}
    return Budget(**whole, money=limits.get("money"))


def span(text: str) -> float:
    """Return the seconds of a time such as "90s", "30m" or "1.5h"."""
    found = _SPAN.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not seconds:
        needed = "a time above 0 in seconds, minutes or hours"
        raise argument_fault(needed, got=text, instead="such as 90s, 30m or 1.5h")
    return seconds


def _number(text: str) -> float:
    """Return a number; 0 for what is none or has no end."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def argument_fault(needed: str, *, got: str, instead: str) -> ArgumentTypeError:
    """Return what argparse shows for an argument that does not fit."""
    given = got or "nothing"
    return ArgumentTypeError(f"\n  needed: {needed}\n     got: {given}\n   write: {instead}")


def resumed(program: str, words: Sequence[str]) -> str:
    """Return the command that goes on where a run ended: the same, but nothing is asked again."""
    kept = [word for word in words if word not in ("--rerun", "--evalkit-rerun")]
    return shlex.join([program, *kept])


@dataclass(frozen=True, slots=True)
class Options:
    """One run's wishes.

    ``models`` holds names or shell patterns (``tuned*``); empty means the models of the project's
    comparisons. ``limit`` keeps the first cases of each suite, which makes the run partial. ``aa``
    asks the base twice, to measure noise. ``stop_early`` ends a suite as soon as it is settled.
    Where ``budget`` has a limit, it takes the place of the project's. After ``deadline_s`` seconds
    nothing is asked any more. ``check_identity``: a run ends after its first answers where they
    show that a model is not the one asked for.
    """

    reports: Path
    models: tuple[str, ...] = ()
    samples: int | None = None
    limit: int | None = None
    offline: bool = False
    rerun: bool = False
    policy: Path | None = None
    aa: bool = False
    stop_early: bool = False
    budget: Budget = field(default_factory=Budget)
    deadline_s: float | None = None
    check_identity: bool = True

    @property
    def answers(self) -> Path:
        """Where answers are kept, for this run and the next ones."""
        return self.reports / "answers.sqlite"
