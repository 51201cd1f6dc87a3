"""What each command takes, and the arguments as one options value."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalkit.model.project import Budget
from evalkit.pipeline.options import Options, budget, positive, span

SCHEMAS = ("suite", "project", "policy", "decision")


def project(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that reads suites."""
    add = parser.add_argument
    where = "folder of suites (suites, or where you are inside it)"
    add("suites", type=Path, nargs="?", default=suites_folder(), help=where)
    add("--models", default="", metavar="NAMES", help="names or patterns, comma-separated")
    add("--policy", type=Path, metavar="FILE", help="policy file instead of the project's")


def suites_folder() -> Path:
    """Return the folder that is meant where none is given."""
    usual = Path("suites")
    return usual if usual.is_dir() else Path()


def run(parser: argparse.ArgumentParser) -> None:
    """Add what ``run`` takes."""
    project(parser)
    add = parser.add_argument
    add("--reports", type=Path, default=Path("reports"), help="folder of the runs (reports)")
    _amount(parser)
    add("--offline", action="store_true", help="use stored answers only; make no call")
    add("--rerun", action="store_true", help="ask again even where an answer is stored")
    add("--stop-early", action="store_true", help="end a suite as soon as it is settled")
    add("--stream", action="store_true", help="hold few cases in memory: for very large suites")
    add("--budget", type=budget, metavar="LIMITS", help="such as money=5,requests=1000,tokens=2e6")
    add("--deadline", type=span, metavar="TIME", help="ask nothing after so long: 90s, 30m, 1.5h")
    add(
        "--no-identity-check",
        action="store_true",
        help="ask on where the first answers show another model than the one asked for",
    )
    add("-q", "--quiet", action="store_true", help="no estimate, no progress")
    as_json(parser)


def foresight(parser: argparse.ArgumentParser) -> None:
    """Add what ``plan`` takes."""
    project(parser)
    add = parser.add_argument
    add("--reports", type=Path, default=Path("reports"), help="where earlier runs are (reports)")
    _amount(parser)
    add("--json", action="store_true", help="print the forecasts as JSON")


def _amount(parser: argparse.ArgumentParser) -> None:
    """Add what says how much is asked."""
    add = parser.add_argument
    add("--samples", type=positive, metavar="N", help="answers to draw for each case and model")
    add("--limit", type=positive, metavar="N", help="first N cases of each suite; never decides")
    add("--aa", action="store_true", help="ask the base twice, to measure the noise")


def stored(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that reads a finished run."""
    parser.add_argument("folder", type=Path, metavar="RUN", help="such as reports/latest")
    as_json(parser)


def judged(parser: argparse.ArgumentParser) -> None:
    """Add what ``decide`` and ``gate`` take."""
    stored(parser)
    parser.add_argument("--policy", type=Path, metavar="FILE", help="judge by this policy file")


def regraded(parser: argparse.ArgumentParser) -> None:
    """Add what ``grade`` takes."""
    stored(parser)
    parser.add_argument(
        "--suites", type=Path, default=suites_folder(), help="where the graders are"
    )


def schema(parser: argparse.ArgumentParser) -> None:
    """Add what ``schema`` takes."""
    parser.add_argument("name", choices=SCHEMAS)


def as_json(parser: argparse.ArgumentParser) -> None:
    """Add the switch to machine-readable output."""
    parser.add_argument("--json", action="store_true", help="print the decision as JSON")


def options(arguments: argparse.Namespace) -> Options:
    """Return the wishes of ``run`` and ``validate`` as one value."""
    given = vars(arguments)
    return Options(
        reports=given.get("reports", Path("reports")),
        models=tuple(name.strip() for name in given.get("models", "").split(",") if name.strip()),
        samples=given.get("samples"),
        limit=given.get("limit"),
        offline=given.get("offline", False),
        rerun=given.get("rerun", False),
        aa=given.get("aa", False),
        stop_early=given.get("stop_early", False),
        policy=given.get("policy"),
        budget=given.get("budget") or Budget(),
        deadline_s=given.get("deadline"),
        check_identity=not given.get("no_identity_check", False),
    )
