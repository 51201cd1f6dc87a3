"""The files of a project as texts, by their paths in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.loader.faults import shown
from evalkit.loader.guards import PREFIX, packs
from evalkit.loader.schemas import read_schema
from evalkit.loader.yamlfile import read_yaml
from evalkit.loader.yamltext import yaml_inline
from evalkit.starter.heldout import Split
from evalkit.starter.read import Row, Training
from evalkit.starter.suites import MARGIN, Written

if TYPE_CHECKING:
    from jinja2 import Environment

TRAIN, HELDOUT = "data/train.jsonl", "data/heldout.jsonl"
PROJECT, POLICY, README = "suites/evalkit.yaml", "suites/policy.yaml", "suites/README.md"
WORKFLOW, IGNORED = ".github/workflows/evalkit.yaml", "reports/.gitignore"
UNNAMED = ("name-of-the-base-model", "name-of-the-fine-tuned-model")

MOST_ASKED = 2_000
"""How many held-out cases a suite asks; with more it takes a sample, which one word undoes."""

TRAIN_SAMPLE = 100
"""How many rows that the candidate learned from a suite asks."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The two models, and how to get to them; an empty address is the client's own."""

    base: str = ""
    candidate: str = ""
    base_url: str = ""
    api_key_env: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the files say.

    ``clusters`` is the group of each row, to be written where groups have several held-out cases.
    ``requests`` bounds a run, ``needed`` is a sentence on how many cases are enough.
    """

    training: Training
    split: Split
    suites: tuple[Written, ...]
    guards: tuple[str, ...]
    reach: Reach
    clusters: tuple[int, ...]
    group: str = ""
    trained_on_all: bool = False
    requests: int = 1
    needed: str = ""
    margins: Mapping[str, float] = field(default_factory=dict)


def texts_of(content: Content) -> dict[str, str]:
    """Return the text of every file by its path."""
    rows, split = content.training.rows, content.split
    every = content.trained_on_all
    texts = {TRAIN: _lines(row.fields for row in (rows if every else _at(rows, split.train)))}
    if not every:
        texts[HELDOUT] = _lines(_heldout(content))
    for suite in content.suites:
        texts[suite_file(content, suite)] = _suite_text(content, suite)
        texts["suites/.suite.schema.json"] = _schema("suite")
    texts["suites/.project.schema.json"] = _schema("project")
    texts["suites/.policy.schema.json"] = _schema("policy")
    texts[POLICY] = _rendered(
        "policy.yaml",
        suites=content.suites,
        trained_on_all=every,
        guards={name: pack_margin(name) for name in content.guards},
    )
    texts[WORKFLOW] = _rendered("ci.yaml", key=content.reach.api_key_env or "OPENAI_API_KEY")
    texts[IGNORED] = "# Runs and stored answers are results, not sources.\n*\n!.gitignore\n"
    return texts | late_texts(content)


def late_texts(content: Content) -> dict[str, str]:
    """Return the texts that say how large a run is: known once the others can be read."""
    reach, split = content.reach, content.split
    address = {"base_url": reach.base_url, "api_key_env": reach.api_key_env}
    lines = [f"    {name}: {yaml_inline(value)}" for name, value in address.items() if value]
    project = _rendered(
        "project.yaml",
        base_model=reach.base or UNNAMED[0],
        candidate_model=reach.candidate or UNNAMED[1],
        reach="\n".join(lines),
        guards=content.guards,
        requests=content.requests,
    )
    readme = _rendered(
        "README.md",
        source=shown(content.training.path),
        format=content.training.format,
        rows=len(content.training.rows),
        named=bool(reach.base and reach.candidate),
        key=reach.api_key_env,
        trained_on_all=content.trained_on_all,
        train=len(content.training.rows if content.trained_on_all else split.train),
        heldout=len(split.heldout),
        suites=[_named(content, suite) for suite in content.suites],
        grouped=f", and rows of one `{content.group}`," if content.group else "",
        needed=content.needed,
    )
    return {PROJECT: project, README: readme}


def suite_file(content: Content, suite: Written) -> str:
    """Return a suite's path; one that lacks its cases has a name that no run reads."""
    ending = ".yaml.example" if content.trained_on_all else ".yaml"
    return f"suites/{suite.name}/{suite.name}{ending}"


def pack_margin(name: str) -> float:
    """Return the margin of a guard pack."""
    document, _ = read_yaml(packs()[PREFIX + name])
    if document is None:
        raise RuntimeError(f"the guard pack {name} cannot be read")
    return float(document.tree["margin"])


def _suite_text(content: Content, suite: Written) -> str:
    rows, every = content.training.rows, content.trained_on_all
    held = sum(suite.holds(row) for row in _at(rows, content.split.heldout))
    options = {"map": content.training.map, "filter": suite.filter}
    return _rendered(
        "suite.yaml",
        suite=suite,
        description=f"Answers as in {content.training.path.name}: {suite.grading.what}.",
        margin=MARGIN,
        heldout="new.jsonl" if every else f"../../{HELDOUT}",
        format=content.training.format,
        more="".join(f", {name}: {yaml_inline(v)}" for name, v in options.items() if v),
        sample=f", sample: {MOST_ASKED}, seed: 1" if held > MOST_ASKED and not every else "",
        train_sample=TRAIN_SAMPLE,
    )


def _heldout(content: Content) -> Iterable[Mapping[str, Any]]:
    """Yield the held-out rows; where cases depend on each other each names its group."""
    held = content.split.heldout
    groups = [content.clusters[index] for index in held]
    alone = len(set(groups)) == len(groups)
    for row, group in zip(_at(content.training.rows, held), groups, strict=True):
        yield row.fields if alone else {**row.fields, "cluster": f"group-{group + 1}"}


def _at(rows: tuple[Row, ...], indexes: Iterable[int]) -> list[Row]:
    return [rows[index] for index in indexes]


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _schema(name: str) -> str:
    return json.dumps(read_schema(name), indent=1) + "\n"


def _named(content: Content, suite: Written) -> Mapping[str, Any]:
    return {
        "name": suite.name,
        "file": suite_file(content, suite),
        "grading": suite.grading,
    }


def _rendered(name: str, **values: Any) -> str:  # noqa: ANN401  (what a template takes)
    return _templates().get_template(f"{name}.j2").render(values)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(  # noqa: S701  (YAML and Markdown; what comes from a file goes by `yaml`)
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["yaml"] = yaml_inline
    return made
