"""What ``compare`` takes, and its arguments as one value."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli.arguments import as_json
from evalkit.errors import SetupError
from evalkit.pipeline.options import argument_fault

if TYPE_CHECKING:
    from evalkit.pipeline.compare import Comparison

PURPOSES = ("target", "guard", "report")


WIDEST_SCALE = 1e9
"""Beyond this width differences between scores drown in what a float can hold."""

_NEGATIVE = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)


def share(text: str) -> float:
    """Return a share of 1 from a command line; raise what argparse shows for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        meant = f"{number / 100:g}, if points are meant" if number > 1 else "such as 0.02"
        raise argument_fault("a share from 0 to 1", got=text, instead=meant)
    return number


def compared(parser: argparse.ArgumentParser) -> None:
    """Add what ``compare`` takes."""
    # What argparse takes for a number and no option knows no -1e3 and no -inf.
    parser._negative_number_matcher = _NEGATIVE  # noqa: SLF001  (there is no public way)
    add = parser.add_argument
    add("first", type=Path, metavar="A", help="scores: jsonl, csv, tsv, parquet, or a run folder")
    add("second", type=Path, metavar="B", nargs="?", help="the candidate's scores, if not in A")
    add("--base", default="", metavar="NAME", help="the base's model, or its column of scores")
    add("--candidate", default="", metavar="NAME", help="the candidate's model, or its column")
    add("--case", metavar="COL[,COL]", help="columns that together name a case")
    add("--score", default="", metavar="COL", help="the column of scores (score)")
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

    low, high = scale_ends(given.scale) if given.scale else (0.0, 1.0)
    return Comparison(
        reports=given.reports,
        wanted=Pair(given.base, given.candidate),
        choice=Choice(
            case=() if given.case is None else _columns(given.case),
            score=given.score,
            slices=tuple(given.slice),
            low=low,
            high=high,
        ),
        purpose=given.purpose,
        margin=given.margin,
        min_gain=given.min_gain,
        policy=given.policy,
    )


def scale_ends(ends: list[float]) -> tuple[float, float]:
    """Return both ends of ``--scale``; raise `SetupError` if they make no scale."""
    low, high = ends
    if not (low < high and high - low <= WIDEST_SCALE):
        falls = math.isfinite(low) and math.isfinite(high) and high < low
        raise SetupError(
            f"the lowest and the highest score of a scale, at most {WIDEST_SCALE:g} apart",
            got=f"--scale {low:g} {high:g}",
            instead=f"--scale {high:g} {low:g}" if falls else "such as --scale 1 5",
        )
    return low, high


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise SetupError(
            "a name for each column that names a case",
            got=f"--case '{text}'",
            instead="such as --case id, or --case task,idx",
        )
    return names
