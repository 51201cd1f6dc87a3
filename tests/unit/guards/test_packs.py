"""The guard packs are what their script makes, and grade answers as they are."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from evalkit.decide.forecast import forecast
from evalkit.decide.policy import Policy
from evalkit.decide.rules import rule_for
from evalkit.graders import SuiteGrader
from evalkit.loader import load
from evalkit.loader.guards import PREFIX, packs
from evalkit.model import Reply, Suite
from scripts.guards.case import Answer, named
from scripts.make_guards import PACKS, cases_of, text_of

from ..loader.projects import PROJECT

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Suite]:
    """Return every pack as a project that includes it has it."""
    file = tmp_path_factory.mktemp("all") / "evalkit.yaml"
    file.write_text(PROJECT + f"include: {json.dumps(list(packs()))}\n")
    loaded = load(file, policy_file=None, environ={})
    assert {f"suite:{name}" for name in PACKS} <= loaded.digests.keys()
    return {suite.name: suite for suite in loaded.suites}


def reply(answer: Answer) -> Reply:
    """Return a reply with a text, or one that calls tools as a chat endpoint gives them."""
    if isinstance(answer, str):
        return Reply(answer)
    calls = [
        {"type": "function", "function": {**call, "arguments": json.dumps(call["arguments"])}}
        for call in answer
    ]
    return Reply("", extra={"tool_calls": calls})


def test_a_script_makes_every_pack() -> None:
    """Each pack has a function of the script, and each function a pack."""
    assert {PREFIX + name for name in PACKS} == set(packs())


@pytest.mark.parametrize("pack", PACKS)
def test_the_script_writes_the_same_bytes(pack: str) -> None:
    """What is committed is what the script makes; its ids and prompts differ."""
    folder = packs()[PREFIX + pack].parent
    assert text_of(pack).encode() == (folder / "cases.jsonl").read_bytes()
    assert len({case.prompt for case in cases_of(pack)}) == len(cases_of(pack))


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_large_and_varied(pack: str, suites: dict[str, Suite]) -> None:
    """At least 200 cases of 30 templates or more, none with many; a guard with a version."""
    suite = suites[pack]
    sizes = Counter(case.cluster for case in suite.cases)
    assert len(suite.cases) >= 200
    assert None not in sizes
    assert len(sizes) >= 30
    assert max(sizes.values()) <= 8
    assert suite.purpose == "guard"
    assert re.match(r"Guard pack \d+\.\d+: ", suite.description)


@pytest.mark.parametrize("pack", PACKS)
def test_the_margin_is_one_that_the_cases_can_show(pack: str, suites: dict[str, Suite]) -> None:
    """As `evalkit plan` has it before any run: not tighter than the cases, nor a point looser."""
    suite = suites[pack]
    planned = forecast(suite, rule_for(suite, Policy()), earlier=None, alpha=0.05)
    assert suite.margin is not None
    assert planned.smallest_margin is not None
    assert planned.smallest_margin <= suite.margin < planned.smallest_margin + 0.01


@pytest.mark.parametrize("pack", PACKS)
def test_answers_are_graded_as_they_are(pack: str, suites: dict[str, Suite]) -> None:
    """For every case a right answer scores 1 and a wrong one 0, by the pack's own graders."""
    suite, made = suites[pack], named(cases_of(pack))
    grader = SuiteGrader(suite, allow_code=False)
    scored = {
        case.id: [
            grader.grade(case, reply(answer))[1]
            for answer in (made[case.id].right, made[case.id].wrong)
        ]
        for case in suite.cases
    }
    assert {name: scores for name, scores in scored.items() if scores != [1, 0]} == {}


@pytest.mark.parametrize("pack", ["format", "instructions"])
@pytest.mark.parametrize("piece", ["word ", "word, and more. ", "- word\n", "*", ";", "\n"])
def test_no_long_answer_keeps_a_pattern_busy(
    pack: str, piece: str, suites: dict[str, Suite]
) -> None:
    """An answer of 3000 characters is graded, right or wrong, within the pattern's time limit."""
    suite = suites[pack]
    grader, one = SuiteGrader(suite, allow_code=False), {c.cluster: c for c in suite.cases}
    answer = Reply((piece * 3000)[:3000])
    assert [name for name, c in one.items() if grader.grade(c, answer)[1] is None] == []


def test_an_answer_too_short_for_its_language_is_wrong(suites: dict[str, Suite]) -> None:
    """It does not void a run as an answer that could not be graded."""
    suite = suites["language"]
    grader = SuiteGrader(suite, allow_code=False)
    assert {grader.grade(case, Reply("Okay 7!"))[1] for case in suite.cases} == {0}


def test_every_pack_is_described() -> None:
    """`docs/guards.md` has a row for each pack with the number of its cases and its margin."""
    rows = dict(
        re.findall(
            r"^\| `(\w+)` (\|.*)$", (DOCS / "guards.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert rows.keys() == PACKS.keys()
    for pack, row in rows.items():
        cells = [cell.strip() for cell in row.split("|")]
        said = re.search(
            r"^margin: ([\d.]+)", packs()[PREFIX + pack].read_text(encoding="utf-8"), re.MULTILINE
        )
        assert said is not None
        assert str(len(cases_of(pack))) in cells
        assert said[1] in cells
