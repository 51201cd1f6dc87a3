"""What ``init`` takes and asks, and what it says of what it wrote."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import SetupError
from evalkit.pipeline.options import argument_fault

if TYPE_CHECKING:
    from evalkit.pipeline.starting import Started, Wishes

FORMATS = (
    "openai-chat",
    "openai-dpo",
    "openai-rft",
    "openai-evals",
    "sharegpt",
    "prompt-completion",
)
_WIDTH = 80


def starts(parser: argparse.ArgumentParser) -> None:
    """Add what ``init`` takes."""
    add = parser.add_argument
    add("train", type=Path, metavar="TRAIN", help="the training file, such as train.jsonl")
    add("folder", type=Path, nargs="?", default=Path(), metavar="DIR", help="where to (here)")
    add("--format", choices=FORMATS, metavar="FORMAT", help=f"{', '.join(FORMATS)} (as rows look)")
    add("--expected", default="", metavar="FIELD", help="the field of the expected answer")
    add("--group", metavar="FIELD", help="rows of one value stay on one side, such as tags.user")
    add("--heldout", type=size, metavar="SIZE", help="a share or a number of cases (0.2)")
    add("--seed", type=int, default=0, metavar="N", help="of the choice of groups (0)")
    add(
        "--similarity",
        type=similarity,
        metavar="S",
        help="share of words alike",
    )
    add("--name", default="", metavar="NAME", help="of the target suite (by the file)")
    add("--base-model", metavar="NAME", help="the model in use, as its endpoint calls it")
    add("--candidate-model", metavar="NAME", help="the fine-tuned model")
    add("--base-url", metavar="URL", help="address of the endpoint (OpenAI's)")
    add("--api-key-env", metavar="VAR", help="variable that holds the key (OPENAI_API_KEY)")
    add("--guards", metavar="NAMES", help="guard packs, comma-separated, or none")
    add("--trained-on-all", action="store_true", help="the candidate learned from every row")
    add("-y", "--yes", action="store_true", help="ask nothing: flags and defaults")
    add("--json", action="store_true", help="print what was made as JSON")


def size(text: str) -> float:
    """Return a share below 1 or a whole number of cases; raise what argparse shows for others."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (0 < number < 1 or (number >= 1 and number.is_integer())):
        needed = "a share above 0 and below 1, or a number of cases"
        raise argument_fault(needed, got=text, instead="0.2 or 300")
    return number


def similarity(text: str) -> float:
    """Return a share from 0.5 to 1; raise what argparse shows for others."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.5 <= number <= 1:
        raise argument_fault("a share of words from 0.5 to 1", got=text, instead="0.85")
    return number


def init(given: argparse.Namespace) -> int:
    """Read the training file, ask what no flag says, and write the project."""
    from evalkit.pipeline.starting import start_project
    from evalkit.starter.read import Training, read_training

    def read() -> Training:
        return read_training(
            given.train, kind=given.format, group=given.group or "", expected=given.expected
        )

    training, grouped = read(), given.group
    if sys.stdin.isatty() and not given.yes and not given.json:
        print(f"{given.train}: {len(training.rows):,} rows of {training.format}")
        _ask_all(given, _ask)
        training = training if (given.group or "") == (grouped or "") else read()
    made = start_project(training, given.folder, _wishes(given), environ=os.environ)
    print(_as_json(made) if given.json else _as_text(made, given), end="")
    return 0


def _wishes(given: argparse.Namespace) -> Wishes:
    from evalkit.pipeline.starting import Wishes
    from evalkit.starter.texts import Reach

    key = given.api_key_env
    if key is None:
        key = "" if given.base_url else "OPENAI_API_KEY"
    more: dict[str, Any] = {"heldout": given.heldout, "alike": given.similarity}
    if given.guards is not None:
        names = [name.strip() for name in given.guards.split(",")]
        more["guards"] = tuple(name for name in names if name not in ("", "none"))
    return Wishes(
        reach=Reach(given.base_model or "", given.candidate_model or "", given.base_url or "", key),
        name=given.name,
        seed=given.seed,
        group=given.group or "",
        trained_on_all=given.trained_on_all,
        **{name: value for name, value in more.items() if value is not None},
    )


def _ask_all(given: argparse.Namespace, ask: Callable[[str, str], str]) -> None:
    """Put a question for each flag that is not given; an empty answer takes the default."""

    def fill(name: str, question: str, default: str = "") -> None:
        if getattr(given, name) is None:
            setattr(given, name, ask(question, default))

    fill("base_model", "Base model, as its endpoint calls it")
    fill("candidate_model", "Fine-tuned model")
    fill("base_url", "Address of the endpoint (empty: OpenAI's)")
    if given.base_url:
        fill("api_key_env", "Variable that holds the key (empty: none needed)")
    else:
        fill("api_key_env", "Variable that holds the key", "OPENAI_API_KEY")
    fill("group", "Field whose equal values stay on one side (empty: none)")
    fill("heldout", "How much to hold out, a share or a number of cases", "0.2")
    if isinstance(given.heldout, str):
        given.heldout = _size_told(given.heldout)
    if not given.trained_on_all:
        said = ask(f"Was the fine-tuned model trained on all of {given.train}? y/n", "n")
        given.trained_on_all = said.strip().lower() in ("y", "yes")


def _size_told(text: str) -> float:
    try:
        return size(text)
    except argparse.ArgumentTypeError as error:
        needed = "a share above 0 and below 1, or a number of cases, to hold out"
        raise SetupError(needed, got=text, instead="0.2 or 300") from error


def _ask(question: str, default: str) -> str:
    try:
        return input(f"{question} [{default}]: " if default else f"{question}: ") or default
    except EOFError:
        return default


def _as_json(made: Started) -> str:
    from evalkit.model.codec import to_tree

    return json.dumps(to_tree(made), indent=2) + "\n"


def _as_text(made: Started, given: argparse.Namespace) -> str:
    from evalkit.report.safe import visible

    lines = [visible(line) for line in _lines(made, given)]
    return "\n".join([*lines, ""])


def _lines(made: Started, given: argparse.Namespace) -> Iterator[str]:
    yield f"{made.source}: {made.rows:,} rows of {made.format}, {made.groups:,} groups"
    yield (
        f"  {made.repeats:,} rows ask again what another asks, {made.near:,} questions are near "
        "another"
    )
    yield ""
    yield "wrote"
    yield f"  data/train.jsonl           {made.train:,} rows to train on"
    if not made.trained_on_all:
        left = f" ({made.left_out:,} repeats left out)" if made.left_out else ""
        yield f"  data/heldout.jsonl         {made.heldout:,} cases{left}"
    for suite in made.suites:
        yield f"  {suite.file:<26} {suite.purpose}, {suite.answers}: {', '.join(suite.graders)}"
    yield f"  suites/evalkit.yaml        guards: {', '.join(made.guards) or 'none'}"
    yield "  suites/policy.yaml         the rules of the decision"
    yield "  .github/workflows/         a workflow that runs the suites"
    yield "  suites/README.md           what is where"
    for note in made.notes:
        yield ""
        yield from textwrap.wrap(note, _WIDTH, initial_indent="note: ", subsequent_indent="  ")
    yield ""
    yield from _next(made, given)


def _next(made: Started, given: argparse.Namespace) -> Iterator[str]:
    steps = [f"cd {shlex.quote(made.folder)}"] if made.folder != "." else []
    if not (given.base_model and given.candidate_model):
        steps.append("name the two models in suites/evalkit.yaml")
    steps += [
        "evalkit plan suites",
        f"pytest --evalkit suites/          {made.requests:,} requests",
    ]
    for number, step in enumerate(steps):
        yield f"{'next' if not number else '':<6}{step}"
