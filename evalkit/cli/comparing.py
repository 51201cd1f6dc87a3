"""What ``compare`` takes, and its arguments as one value."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli.arguments import as_json
from evalkit.errors import SetupError

if TYPE_CHECKING:
    from evalkit.pipeline.compare import Comparison

PURPOSES = ("target", "guard", "report")


def share(text: str) -> float:
    """Return a share of 1 from a command line; raise `ValueError`, as argparse wants it."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(f"needed: a number from 0 to 1, got: {text}")
    return number


def compared(parser: argparse.ArgumentParser) -> None:
    """Add what ``compare`` takes."""
    add = parser.add_argument
    add("first", type=Path, metavar="A", help="scores: .jsonl, .csv, .parquet, or a run folder")
    add("second", type=Path, metavar="B", nargs="?", help="the candidate's scores, if not in A")
    add("--base", default="", metavar="NAME", help="the base's model, or its column of scores")
    add("--candidate", default="", metavar="NAME", help="the candidate's model, or its column")
    add("--case", default="", metavar="COL[,COL]", help="columns that together name a case")
    add("--slice", action="append", default=[], metavar="COL", help="a column of slices; repeat")
    add("--scale", nargs=2, type=float, metavar=("LOW", "HIGH"), help="what scores go from and to")
    add("--purpose", choices=PURPOSES, help="what the suites are for (guard: must not get worse)")
    add("--margin", type=share, metavar="SHARE", help="the acceptable loss, of 1 (0.02)")
    add("--min-gain", type=share, default=0.0, metavar="SHARE", help="what a target has to exceed")
    add("--policy", type=Path, metavar="FILE", help="policy file; it goes before the options")
    add("--reports", type=Path, default=Path("reports"), help="folder of the runs (reports)")
    as_json(parser)


def comparison(given: argparse.Namespace) -> Comparison:
    """Return what is asked for as one value."""
    from evalkit.loader.score_layout import Choice
    from evalkit.model import Pair
    from evalkit.pipeline.compare import Comparison

    low, high = given.scale or (0.0, 1.0)
    if not low < high:
        got, instead = f"--scale {low:g} {high:g}", f"--scale {high:g} {low:g}"
        raise SetupError("a scale from its lowest to its highest score", got=got, instead=instead)
    case = tuple(name.strip() for name in given.case.split(",") if name.strip())
    return Comparison(
        reports=given.reports,
        wanted=Pair(given.base, given.candidate),
        choice=Choice(case=case, slices=tuple(given.slice), low=low, high=high),
        purpose=given.purpose,
        margin=given.margin,
        min_gain=given.min_gain,
        policy=given.policy,
    )
