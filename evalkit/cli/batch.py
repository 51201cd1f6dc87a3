"""`evalkit batch`: what it takes and does. Nothing is decided here."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli import arguments as takes
from evalkit.pipeline.options import budget, positive

if TYPE_CHECKING:
    from evalkit.errors import EvalkitError
    from evalkit.model.batch import Batch
    from evalkit.pipeline.batch import BatchLane, Outgoing
    from evalkit.pipeline.collect import Collected, Collector, Seen

POLL_S = 30.0
"""How often `collect --wait` looks."""

MENDABLE = 2
STILL_OPEN = 4


def batch(given: argparse.Namespace) -> int:
    """Do what the second word says."""
    code: int = given.act(given)
    return code


def batches(parser: argparse.ArgumentParser) -> None:
    """Add the second words and what each takes."""
    words = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, what, arguments, act in (
        ("submit", "send what is neither stored nor on its way", _asking, submit),
        ("status", "say how far the open batches are", _status, status),
        ("collect", "store the answers of finished batches, or of files", _collecting, collect),
        ("cancel", "have no open batch answered any further", _status, cancel),
        ("export", "write the files without sending them", _exporting, export),
    ):
        sub = words.add_parser(name, help=what, description=what)
        arguments(sub)
        sub.set_defaults(act=act)


def submit(given: argparse.Namespace) -> int:
    """Send what a run would ask."""
    return _tell_outgoing(_lane(given).submit(on_made=_tell_made), "sent")


def export(given: argparse.Namespace) -> int:
    """Write what a run would ask."""
    return _tell_outgoing(_lane(given).export(given.out, on_made=_tell_made), "written")


def status(given: argparse.Namespace) -> int:
    """Say how far the batches are."""
    return _tell_states(_collector(given).look(), given)


def cancel(given: argparse.Namespace) -> int:
    """End what is not finished; what is answered until then stays to be collected."""
    return _tell_states(_collector(given).cancel(), given)


def _tell_states(seen: Seen, given: argparse.Namespace) -> int:
    from evalkit.report.batch_text import status_rows, status_table

    now = datetime.now(UTC)
    if given.json:
        print(json.dumps(status_rows(seen.states, now), indent=2))
    else:
        print(status_table(seen.states, now), end="")
    return _tell_problems(seen.problems)


def collect(given: argparse.Namespace) -> int:
    """Store answers: of the batches that are finished, or of files."""
    from evalkit.pipeline.collect import collect_files

    if given.files:
        return _tell_collected(collect_files(given.reports, given.files))
    collector = _collector(given)
    while True:
        found = collector.collect()
        code = _tell_collected(found)
        if not given.wait or code != STILL_OPEN:
            return code
        time.sleep(POLL_S)


def _asking(parser: argparse.ArgumentParser) -> None:
    takes.project(parser)
    _reports(parser)
    add = parser.add_argument
    add("--samples", type=positive, metavar="N", help="answers to draw for each case")
    add("--limit", type=positive, metavar="N", help="first N cases of each suite")
    add("--aa", action="store_true", help="ask the base twice, to measure the noise")
    add("--budget", type=budget, metavar="LIMITS", help="send nothing that could pass it")


def _exporting(parser: argparse.ArgumentParser) -> None:
    _asking(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty folder")


def _status(parser: argparse.ArgumentParser) -> None:
    folder = takes.suites_folder()
    parser.add_argument("suites", type=Path, nargs="?", default=folder, help="folder of suites")
    _reports(parser)
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def _collecting(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("files", type=Path, nargs="*", metavar="FILE", help="answers that `vllm run-batch` wrote")
    folder = takes.suites_folder()
    add("--suites", type=Path, default=folder, help="folder of suites (suites)")
    add("--wait", action="store_true", help="look again and again until every batch is finished")
    _reports(parser)


def _reports(parser: argparse.ArgumentParser) -> None:
    where = "folder of the runs and answers (reports)"
    parser.add_argument("--reports", type=Path, default=Path("reports"), help=where)


def _lane(given: argparse.Namespace) -> BatchLane:
    from evalkit.pipeline.batch import BatchLane
    from evalkit.pipeline.prepare import prepare

    options = takes.options(given)
    plan = prepare([given.suites], options, environ=os.environ)
    suites = plan.suites_at(given.suites)
    return BatchLane(plan, options, suites=suites, environ=os.environ)


def _collector(given: argparse.Namespace) -> Collector:
    from evalkit.loader import find_project, load_project
    from evalkit.pipeline.collect import Collector

    file = find_project([given.suites])
    project = load_project(file, environ=os.environ)
    return Collector(given.reports, project, environ=os.environ)


def _tell_outgoing(outgoing: Outgoing, done: str) -> int:
    from evalkit.report.batch_text import outgoing_line

    print(outgoing_line(outgoing.made, done, outgoing.stored, outgoing.on_the_way))
    for model in outgoing.others:
        judges = model.role == "judge"
        why = "it judges answers that are to come" if judges else f"client: {model.client}"
        print(f"evalkit: left to `evalkit run`: {model.name} ({why})")
    return 0


def _tell_made(batch: Batch) -> None:
    from evalkit.report.batch_text import made_line

    print(made_line(batch), flush=True)


def _tell_collected(found: Collected) -> int:
    from evalkit.report.batch_text import gathered_lines, open_line

    for gathered in found.gathered:
        print(*gathered_lines(gathered), sep="\n")
    if line := open_line(found.open, nothing=not found.gathered and not found.problems):
        print(line, flush=True)
    return _tell_problems(found.problems) or (STILL_OPEN if found.open else 0)


def _tell_problems(problems: Iterable[EvalkitError]) -> int:
    from evalkit.report.safe import visible

    code = 0
    for problem in problems:
        print(f"evalkit: {visible(str(problem))}", file=sys.stderr)
        code = MENDABLE
    return code
