"""What ``import`` takes, and what it says of what it made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.importers import Mean
    from evalkit.pipeline.importing import Imported

NAMES = (
    "lm-eval",
    "inspect",
    "promptfoo",
    "openai-evals",
    "openai-evals-registry",
    "pydantic-evals",
    "deepeval",
    "mlflow",
)


def imports(parser: argparse.ArgumentParser) -> None:
    """Add what ``import`` takes."""
    add = parser.add_argument
    add("format", choices=NAMES, metavar="FORMAT", help=", ".join(NAMES))
    add("paths", type=Path, nargs="+", metavar="PATH", help="the tool's file or folder")
    add("--out", type=Path, metavar="DIR", help="folder of the run or of the suites to be made")
    add("--reports", type=Path, default=Path("reports"), help="folder of the runs (reports)")
    add("--model", action="append", default=[], metavar="NAME", help="a path's model; repeat")
    add("--base", default="", metavar="NAME", help="the base among the models (the first)")
    add("--candidate", default="", metavar="NAME", help="the candidate (all others)")
    add("--score", action="append", default=[], metavar="NAME", help="take this score; repeat")
    add("--scale", nargs=2, type=float, metavar=("LOW", "HIGH"), help="what scores go from and to")
    add("--data", type=Path, metavar="FILE", help="rows for suites whose data are elsewhere")
    add("--json", action="store_true", help="print what was made as JSON")


def import_command(given: argparse.Namespace) -> int:
    """Import, and say what came of it and what did not."""
    from evalkit.cli.comparing import scale_ends
    from evalkit.importers import Wanted
    from evalkit.model import Pair
    from evalkit.pipeline.importing import Asked, import_files

    low, high = scale_ends(given.scale) if given.scale else (0.0, 1.0)
    made = import_files(
        Asked(
            format=given.format,
            paths=tuple(given.paths),
            reports=given.reports,
            out=given.out,
            models=tuple(given.model),
            pair=Pair(given.base, given.candidate),
            data=given.data,
            wanted=Wanted(tuple(given.score), low, high),
        )
    )
    print(_as_json(made) if given.json else _as_text(made), end="")
    return 0


def _as_json(made: Imported) -> str:
    from evalkit.model.codec import to_tree

    return json.dumps({**to_tree(made), "folder": str(made.folder)}, indent=2) + "\n"


def _as_text(made: Imported) -> str:
    from evalkit.report.safe import visible

    if made.is_run:
        lines = [_mean(mean) for mean in made.means]
        pairs = [f"{pair.candidate} against {pair.base}" for pair in made.comparisons]
        folder = quote(str(made.folder))
        after = f"evalkit report {folder}" if pairs else f"evalkit compare {folder} OTHER"
    else:
        lines = [f"{name}: {cases} cases" for name, cases in made.suites.items()]
        pairs, after = [], _after(made)
    notes = [f"note: {note}" for note in made.notes]
    print(*map(visible, notes), sep="\n", end="\n" if notes else "", file=sys.stderr)
    return "\n".join(
        [*map(visible, [*lines, *pairs]), f"wrote {made.folder}", f"next  {after}", ""]
    )


def _after(made: Imported) -> str:
    """Return what to do with suites, in the words of the command line."""
    folder = quote(str(made.folder))
    fill_in = [] if made.has_project else [f"name the models in {made.folder / 'evalkit.yaml'}"]
    steps = [*fill_in, f"evalkit validate {folder}", f"evalkit run {folder}"]
    return "\n      ".join(steps)


def _mean(mean: Mean) -> str:
    """Return the line of one model on one suite, beside what the tool says itself."""
    value = "no score" if mean.value is None else f"mean {mean.value:.4f}"
    lost = f", answers without a score: {mean.lost}" if mean.lost else ""
    said = f" (the tool says {mean.reported:.4f})" if mean.reported is not None else ""
    other = ", which differs" if mean.differs else ""
    return f"{mean.suite}, {mean.model}: {mean.cases} cases, {value}{said}{other}{lost}"
