"""A project from a training file: rows split, suites written, and what its cases could show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.decide.forecast import GUESS, Forecast, forecast
from evalkit.decide.needs import cases_needed
from evalkit.decide.rules import AppliedRule, rule_for
from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.loader.faults import shown
from evalkit.loader.guards import PREFIX, packs
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prepare import prepare
from evalkit.starter.answers import is_call
from evalkit.starter.heldout import ALIKE, Groups, Split, group_rows, split_rows
from evalkit.starter.place import refuse_present, staged, write_texts
from evalkit.starter.read import Training
from evalkit.starter.suites import MARGIN, Written, suite_name, suites_of
from evalkit.starter.texts import (
    HELDOUT,
    TRAIN,
    Content,
    Reach,
    late_texts,
    suite_file,
    texts_of,
)
from evalkit.stats.exact_power import BinaryDesign
from evalkit.stats.power import Cases

GUARDS = ("instructions", "arithmetic", "refusal")
GUARDS_OF_CALLS = ("instructions", "tools", "refusal")
"""The guard packs that a project has unless it is told otherwise."""

ALL_LARGE = 0.2
"""The share of rows from which on one group is told of."""

_LIKELY = 0.8
_TARGET = AppliedRule("superior", MARGIN, 0.0, 0, never_break=True)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a project is asked to be.

    ``heldout`` is a share below 1 or a number of cases. ``guards`` are names of packs, ``None`` for
    the usual ones. ``group`` is told in words only: the rows were read with it.
    ``trained_on_all``: the candidate has learned from every row.
    """

    reach: Reach = field(default_factory=Reach)
    name: str = ""
    heldout: float = 0.2
    seed: int = 0
    alike: float = ALIKE
    group: str = ""
    guards: tuple[str, ...] | None = None
    trained_on_all: bool = False


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as it was written: its file, its held-out cases, what its answers are."""

    name: str
    file: str
    purpose: str
    cases: int
    answers: str
    graders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """What was found and what was written.

    ``repeats`` are rows that ask what an earlier one asks, ``near`` those near to another;
    ``left_out`` of the repeats belong to held-out cases and are in neither file. ``needed`` are the
    cases that show a gain of ``margin`` with 80 % power, ``likely`` the chance of those there are.
    """

    folder: str
    source: str
    format: str
    rows: int
    groups: int
    repeats: int
    near: int
    train: int
    heldout: int
    left_out: int
    suites: tuple[Suite, ...]
    guards: tuple[str, ...]
    requests: int
    margin: float
    needed: int | None
    likely: float | None
    trained_on_all: bool
    notes: tuple[str, ...]
    files: tuple[str, ...]


def start_project(
    training: Training, folder: Path, wishes: Wishes, *, environ: Mapping[str, str]
) -> Started:
    """Write a project for ``training`` into ``folder``; raise `UserError` and write nothing else.

    What was written is read again before it is put in its place: it can be run as it stands.
    """
    content, groups = _content(training, wishes)
    texts = texts_of(content)
    refuse_present(folder, [*texts])
    with staged(folder) as stage:
        write_texts(stage, texts)
        plan = _plan(stage, folder, content, environ)
        forecasts = [
            forecast(suite, rule_for(suite, plan.policy), earlier=None, alpha=plan.policy.alpha)
            for suite in plan.suites
            if suite.name == content.suites[0].name
        ]
        shows = forecasts[0] if forecasts else None
        asked = 2 * sum(len(suite.cases) for suite in plan.suites)
        content = replace(content, requests=_twice(asked), needed=_needed(shows))
        write_texts(stage, late_texts(content))
    return Started(
        folder=str(folder),
        source=shown(training.path),
        format=training.format,
        rows=len(training.rows),
        groups=groups.number,
        repeats=groups.repeats,
        near=groups.near,
        train=len(training.rows) if wishes.trained_on_all else len(content.split.train),
        heldout=len(content.split.heldout),
        left_out=len(content.split.left_out),
        suites=tuple(_told(content, suite, plan) for suite in content.suites),
        guards=content.guards,
        requests=asked,
        margin=MARGIN,
        needed=shows.needed if shows else _enough(),
        likely=shows.likely if shows else None,
        trained_on_all=wishes.trained_on_all,
        notes=tuple(_notes(content, groups, shows)),
        files=tuple(sorted(texts)),
    )


def _content(training: Training, wishes: Wishes) -> tuple[Content, Groups]:
    asks = [row.asks for row in training.rows]
    groups = group_rows(asks, alike=wishes.alike)
    split = Split(tuple(range(len(asks))), (), ())
    if not wishes.trained_on_all:
        split = split_rows(asks, groups, heldout=wishes.heldout, seed=wishes.seed)
        _check_sides(groups, split, wishes)
    taken = [name.removeprefix(PREFIX) for name in packs()]
    name = suite_name(wishes.name, training.path.name.partition(".")[0], taken=taken)
    suites = suites_of(training, name)
    if not wishes.trained_on_all:
        held = [training.rows[index] for index in split.heldout]
        suites = tuple(suite for suite in suites if any(map(suite.holds, held)))
    content = Content(
        training=training,
        split=split,
        suites=suites,
        guards=_guards(training, wishes, taken),
        reach=wishes.reach,
        clusters=groups.of,
        group=wishes.group,
        trained_on_all=wishes.trained_on_all,
    )
    return content, groups


def _check_sides(groups: Groups, split: Split, wishes: Wishes) -> None:
    """Refuse a split that leaves a side empty."""
    if split.train and split.heldout:
        return
    instead = "--heldout with a number of cases, more rows that differ"
    instead += ", another --group" if wishes.group else ""
    instead += ", or --similarity 1 to keep only equal questions together"
    raise SetupError(
        "groups of rows on both sides, to train on and held out",
        got=f"{groups.number} groups of {len(groups.of)} rows, the largest of {groups.largest}; "
        f"held out: {len(split.heldout)} cases",
        instead=instead,
    )


def _guards(training: Training, wishes: Wishes, known: Sequence[str]) -> tuple[str, ...]:
    if wishes.guards is None:
        calls = any(is_call(row.answer) for row in training.rows)
        return GUARDS_OF_CALLS if calls else GUARDS
    unknown = [name for name in wishes.guards if name not in known]
    if unknown or (wishes.trained_on_all and not wishes.guards):
        raise SetupError(
            "names of guard packs" + " with --trained-on-all" * wishes.trained_on_all,
            got=f"--guards {','.join(wishes.guards) or 'none'}",
            instead="some of: " + ", ".join(known),
        )
    return tuple(dict.fromkeys(wishes.guards))


def _plan(stage: Path, folder: Path, content: Content, environ: Mapping[str, str]) -> Plan:
    """Read what was written; its faults are told at the rows of the training file."""
    try:
        return prepare(
            [stage / "suites"], Options(reports=stage / "reports"), root=stage, environ=environ
        )
    except FileFaults as faults:
        staging = shown(stage.resolve())
        told = [_at_row(fault, staging, content) for fault in faults.faults]
        raise FileFaults(
            replace(fault, path=fault.path.replace(staging, str(folder), 1)) for fault in told
        ) from faults


def _at_row(fault: Fault, staging: str, content: Content) -> Fault:
    split, rows = content.split, content.training.rows
    lines = {f"{staging}/{HELDOUT}": split.heldout, f"{staging}/{TRAIN}": split.train}
    at = lines.get(fault.path, ())
    if not 0 < fault.line <= len(at):
        return fault
    return replace(fault, path=shown(content.training.path), line=rows[at[fault.line - 1]].line)


def _twice(asked: int) -> int:
    """Return twice as many requests in two digits: room for tries, no room for a mistake."""
    step: int = 10 ** max(len(str(2 * asked)) - 2, 0)
    return -(-2 * asked // step) * step


def _enough() -> int | None:
    """Return the cases that show a gain of the margin, before there are any."""
    found = cases_needed(BinaryDesign(1, GUESS), _TARGET, 0.05)
    return found.n if isinstance(found, Cases) else None


def _needed(shows: Forecast | None) -> str:
    gain = f"a gain of {100 * MARGIN:g} points"
    if shows is None:
        return f"About {_enough()} cases show {gain} with 80 % power."
    if shows.likely is None or shows.needed is None:
        return ""
    chance = f"{shows.n} cases show {gain} with {100 * shows.likely:.0f} % power"
    more = f"; {shows.needed} would be enough for 80 %" if shows.likely < _LIKELY else ""
    return f"{chance}{more} (if a fifth of them flips)."


def _told(content: Content, suite: Written, plan: Plan) -> Suite:
    cases = [s.cases for s in plan.suites if s.name == suite.name]
    return Suite(
        name=suite.name,
        file=suite_file(content, suite),
        purpose=suite.purpose,
        cases=sum(case.split == "heldout" for case in cases[0]) if cases else 0,
        answers=suite.grading.what,
        graders=tuple(str(grader["type"]) for grader in suite.grading.graders),
    )


def _notes(content: Content, groups: Groups, shows: Forecast | None) -> list[str]:
    source = shown(content.training.path)
    notes = [suite.grading.note for suite in content.suites if suite.grading.note]
    if groups.largest > ALL_LARGE * len(groups.of) and not content.trained_on_all:
        notes.append(
            f"One group has {groups.largest} of {len(groups.of)} rows: equal or similar questions"
            + (f", or one {content.group}." if content.group else ".")
            + " With --similarity 1 only equal questions stay together."
        )
    if content.trained_on_all:
        notes.append(
            f"No row of {source} can show that the candidate got better: it has seen them all. "
            f"Guards are fair; new rows make a target ({_needed(None)[:-1]})."
        )
        return notes
    notes.append(
        f"A model trained on all of {source} has seen the held-out rows, and its score on them "
        "says nothing. Train again on data/train.jsonl, or write the project with --trained-on-all."
    )
    said = _needed(shows)
    return [*notes, said] if said else notes
