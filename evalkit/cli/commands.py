"""Every command: its arguments, and the call into the pipeline. Nothing is decided here.

Exit codes of ``run``, ``compare`` and ``gate``: 0 promote, 1 do not promote, 2 usage, 3 not enough
evidence, 4 run incomplete. The other commands return 0 when they did what was asked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli import arguments as takes
from evalkit.cli.batch import batch, batches
from evalkit.cli.comparing import compared, comparison
from evalkit.cli.importing import import_command, imports
from evalkit.cli.starting import init, starts
from evalkit.errors import SetupError

if TYPE_CHECKING:
    from evalkit.cli.progress import Told
    from evalkit.pipeline.kept import Finished
    from evalkit.pipeline.plan import Plan

INTERRUPTED = 130
MANY = 200_000
"""Cases from which on a run is told that it need not hold them."""

OUTCOME_CODES = {"promote": 0, "do_not_promote": 1, "not_enough_evidence": 3, "incomplete": 4}


@dataclass(frozen=True, slots=True)
class Command:
    """One word of the command line."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def validate(given: argparse.Namespace) -> int:
    """Read every file of a project and say what a run would do."""
    plan = _plan(given.suites, given)
    for suite in plan.suites:
        print(f"{suite.name}: {suite.purpose}, {len(suite.cases)} cases, score: {suite.score}")
    for pair in plan.project.comparisons:
        print(f"{pair.candidate} against {pair.base}")
    print("no fault found")
    return 0


def plan(given: argparse.Namespace) -> int:
    """Say what a run could show and what it will take, before any call."""
    from evalkit.model.codec import to_tree
    from evalkit.pipeline.foresee import foresee
    from evalkit.report.estimate_text import estimate_table
    from evalkit.report.foresight_text import render_foresight

    whole = _plan(given.suites, given)
    asked = replace(whole, suites=whole.suites_at(given.suites))
    found = foresee(asked, takes.options(given), environ=os.environ)
    if given.json:
        print(json.dumps(to_tree(found), indent=2))
        return 0
    print(render_foresight(found.suites))
    print(estimate_table(found.estimate), end="")
    return 0


def run(given: argparse.Namespace) -> int:
    """Ask, grade, decide and report, without pytest."""
    from evalkit.cli.progress import Told
    from evalkit.pipeline.options import resumed
    from evalkit.store import forget_latest

    # Before anything is read: a run that is refused must not leave the one before it.
    forget_latest(given.reports)
    told = Told(quiet=given.quiet)
    go_on = f"go on   {resumed('evalkit', given.words)}"
    try:
        finished = _streamed(given, told) if given.stream else _held(given, told)
    except KeyboardInterrupt:
        told.clear()
        print(f"\nevalkit: stopped; every answer so far is kept\n{go_on}", file=sys.stderr)
        return INTERRUPTED
    finally:
        told.clear()
    _show(finished, given)
    for note in finished.notes:
        print(f"evalkit: {note}\n{go_on}", file=sys.stderr)
    return OUTCOME_CODES[finished.decision.outcome]


def _held(given: argparse.Namespace, told: Told) -> Finished:
    """Run with all cases in memory."""
    from evalkit.pipeline.live import run_to_end

    plan = _plan(given.suites, given)
    cases = sum(len(suite.cases) for suite in plan.suites)
    if cases > MANY and not given.quiet:
        print(f"evalkit: {cases:,} cases are held in memory; --stream holds few", file=sys.stderr)
    return run_to_end(
        plan,
        takes.options(given),
        suites=plan.suites_at(given.suites),
        on_estimate=told.estimate,
        on_progress=told.progress,
    )


def _streamed(given: argparse.Namespace, told: Told) -> Finished:
    """Run with the cases read as they are asked."""
    from evalkit.pipeline.stream import stream_to_end
    from evalkit.pipeline.stream_plan import prepare_stream

    options = takes.options(given)
    plan = prepare_stream([given.suites], options, environ=os.environ)
    return stream_to_end(
        plan.at(given.suites), options, on_estimate=told.estimate, on_progress=told.progress
    )


def grade(given: argparse.Namespace) -> int:
    """Grade a run's stored answers by the suites as they stand now."""
    from evalkit.pipeline.stages import answered_run, regrade

    answered_run(given.folder)  # a folder of scores has no graders to be asked for
    return _show(regrade(given.folder, _plan(given.suites, given)), given)


def decide(given: argparse.Namespace) -> int:
    """Decide a run again, by its own policy or another."""
    from evalkit.pipeline.stages import redecide

    return _show(redecide(given.folder, given.policy), given)


def report(given: argparse.Namespace) -> int:
    """Write a run's report again."""
    from evalkit.pipeline.stages import rerender

    return _show(rerender(given.folder), given)


def gate(given: argparse.Namespace) -> int:
    """Judge a finished run by exit code; changes nothing in its folder."""
    from evalkit.pipeline.stages import judge

    finished = judge(given.folder, given.policy)
    _show(finished, given)
    return OUTCOME_CODES[finished.decision.outcome]


def compare(given: argparse.Namespace) -> int:
    """Decide and report on scores alone, from files or from runs."""
    from evalkit.pipeline.compare import compare as compare_scores
    from evalkit.report.safe import visible
    from evalkit.store import replacing_latest

    with replacing_latest(given.reports):
        finished = compare_scores(given.first, given.second, comparison(given))
    for note in finished.notes:
        print(f"evalkit: {visible(note)}", file=sys.stderr)
    _show(finished, given)
    return OUTCOME_CODES[finished.decision.outcome]


def schema(given: argparse.Namespace) -> int:
    """Print a JSON Schema, for editors and other tools."""
    from evalkit.loader import read_schema

    print(json.dumps(read_schema(given.name), indent=2))
    return 0


COMMANDS = (
    Command("init", "write a project from a training file", starts, init),
    Command("validate", "read all files and say what a run would do", takes.project, validate),
    Command("plan", "say what a run could show and will take", takes.foresight, plan),
    Command("run", "ask, grade, decide and report without pytest", takes.run, run),
    Command("batch", "ask at half the price, by files that are answered later", batches, batch),
    Command("grade", "grade stored answers again", takes.regraded, grade),
    Command("decide", "decide a stored run again", takes.judged, decide),
    Command("report", "write a stored run's report again", takes.stored, report),
    Command(
        "gate", "exit 0 promote, 1 do not, 3 not enough evidence, 4 incomplete", takes.judged, gate
    ),
    Command("compare", "decide on scores alone, from two files or runs", compared, compare),
    Command("import", "take over suites or results of other tools", imports, import_command),
    Command("schema", "print the JSON Schema of a file", takes.schema, schema),
)


def _plan(suites: Path, given: argparse.Namespace) -> Plan:
    from evalkit.pipeline.prepare import prepare

    return prepare([suites], takes.options(given), environ=os.environ)


def _show(finished: Finished, given: argparse.Namespace) -> int:
    from evalkit.decide import to_dict
    from evalkit.report import render_text

    if given.json:
        text = json.dumps(to_dict(finished.decision), indent=2) + "\n"
    else:
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        colour = sys.stdout.isatty() and not plain
        path = str(finished.folder / "report.html")
        text = render_text(finished.view, color=colour, path=path)
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        instead = f"make room; the decision stands in {finished.folder}"
        raise SetupError(
            "an output that can be written", got=str(error), instead=instead
        ) from error
    return 0


def drop_output() -> None:
    """Write nothing more: Python's own flush at the end would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
