"""`python -m evalkit.validation`: run every study and print what it measured."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import groupby

from evalkit.validation import studies
from evalkit.validation.table import as_markdown, as_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies asked for; 0 if every rate is kept, else 1."""
    options = _parser().parse_args(arguments)
    families = options.family or studies.FAMILIES
    listed = [named for family in families for named in studies.named_studies(family)]
    show = as_markdown if options.markdown else as_text
    broken, runs = 0, studies.run_all(listed, jobs=options.jobs)
    for number, (family, found) in enumerate(groupby(runs, lambda entry: entry[0].family)):
        rates = [rate for _, part in found for rate in part]
        broken += sum(not rate.kept for rate in rates)
        print(("\n" if number else "") + show(family, rates), flush=True)
    if broken:
        print(f"{broken} rates are not what they are said to be", file=sys.stderr)
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evalkit.validation",
        description="Simulate every error rate that evalkit states; exit code 1 if one is off.",
    )
    parser.add_argument(
        "--family",
        nargs="+",
        choices=studies.FAMILIES,
        metavar="NAME",
        help=f"these only: {', '.join(studies.FAMILIES)}",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print the table of docs/validation.md"
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes at a time (all processors)",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"needed: a whole number from 1, got: {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
