"""Imported suites grade the answers in a tool's own logs as the tool did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.cli import main
from evalkit.graders import SuiteGrader
from evalkit.importers import Log, Request, read
from evalkit.importers.found import Scored
from evalkit.model import Case, Grade, Reply, Suite
from evalkit.pipeline.options import Options
from evalkit.pipeline.prepare import prepare

DATA = Path(__file__).parents[1] / "data" / "imports"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def suites(tool: str, name: str) -> tuple[Suite, ...]:
    """Import definitions of ``tool`` and return the suites as a run would read them."""
    shutil.copytree(DATA / tool, "given")
    for rows in Path("given").glob("*.jsonl"):  # lm-eval reads rows from the current folder
        shutil.copy(rows, ".")
    assert main(["import", tool, f"given/{name}", "--out", "suites"]) == 0
    return prepare(
        [Path("suites")], Options(reports=Path("reports")), root=Path.cwd(), environ={}
    ).suites


def answers(tool: str, *names: str) -> Iterator[Scored]:
    """Yield the answers of results of ``tool`` that came."""
    for name in names:
        found = read(tool, Request(DATA / tool / name))
        assert isinstance(found, Log)
        yield from (row for row in found.rows if isinstance(row.outcome, Reply))


def grades(suite: Suite, case: Case, row: Scored) -> tuple[dict[str, bool], float | None]:
    """Return which graders pass an answer of a log, and the suite's score."""
    assert isinstance(row.outcome, Reply)
    found, score = SuiteGrader(suite, allow_code=False).grade(case, row.outcome)
    return {n: g.passed for n, g in found.items() if isinstance(g, Grade)}, score


def test_promptfoo_passes_the_same_answers() -> None:
    """Tests whose assertions all have a counterpart pass and fail as in promptfoo."""
    suite = next(s for s in suites("promptfoo", "promptfooconfig.yaml") if s.name == "Capitals")
    cases = {case.id: case for case in suite.cases}
    compared = [row for row in answers("promptfoo", "results.json") if row.case in cases]
    for row in compared:
        assert row.messages == cases[row.case].messages
        assert grades(suite, cases[row.case], row)[1] == row.marks["pass"].value
    assert {row.marks["pass"].value for row in compared} == {0.0, 1.0}


@pytest.mark.parametrize("name", ["queues", "queues-includes"])
def test_oaieval_finds_the_same_answers_right(name: str) -> None:
    """Match and Includes count as in openai/evals; its samples are numbered in their order."""
    suite = next(
        s for s in suites("openai-evals-registry", "registry/evals/queues.yaml") if s.name == name
    )
    for row in answers("openai-evals-registry", f"base-{name}.jsonl", f"tuned-{name}.jsonl"):
        case = suite.cases[int(row.case.rpartition(".")[2])]
        assert row.messages == case.messages
        assert grades(suite, case, row)[1] == row.marks["accuracy"].value


def test_lm_eval_finds_the_same_numbers_right() -> None:
    """`numeric` stands for a filter that takes the last number out."""
    suite = next(s for s in suites("lm-eval", "tasks") if s.name == "sums")
    cases = {case.id: case for case in suite.cases}
    for row in answers("lm-eval", "out/base", "out/tuned"):
        if row.task == "sums":
            assert row.messages == cases[row.case].messages
            wanted = row.marks["exact_match,flexible-extract"].value
            assert grades(suite, cases[row.case], row)[1] == wanted


def test_the_evals_api_passes_the_same_answers() -> None:
    """`string_check` is OpenAI's."""
    shutil.copytree(DATA / "openai-evals", "given")
    text = Path("given/eval.json").read_text()
    assert '"type": "label_model"' in text
    (suite,) = _without_judges(text)
    cases = {case.id: case for case in suite.cases}
    for row in answers("openai-evals", "base.json", "tuned.json"):
        assert row.messages == cases[row.case].messages
        passed, _ = grades(suite, cases[row.case], row)
        assert float(passed["exact"]) == row.marks["exact"].value


def _without_judges(text: str) -> tuple[Suite, ...]:
    """Import the eval with the graders that ask nobody, which alone grade offline."""
    tree = json.loads(text)
    kept = ("string_check", "text_similarity")
    tree[0]["testing_criteria"] = [c for c in tree[0]["testing_criteria"] if c["type"] in kept]
    Path("eval.json").write_text(json.dumps(tree))
    assert main(["import", "openai-evals", "eval.json", "--out", "suites"]) == 0
    return prepare(
        [Path("suites")], Options(reports=Path("reports")), root=Path.cwd(), environ={}
    ).suites
