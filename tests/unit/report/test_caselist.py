"""Every case with its answers, the most urgent first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.decide.status import Status, status_of
from evalkit.model import Case, Failure, Grade, Record, Reply, Ungraded
from evalkit.report.caselist import LONGEST_TEXT, CaseEntry, list_cases
from tests.unit.report.conftest import ViewOf
from tests.unit.report.scenarios import SCENARIOS


@pytest.mark.parametrize(
    ("base", "candidate", "status"),
    [
        (1.0, 1.0, "passed"),
        (0.5, 0.49, "broken"),
        (0.49, 0.5, "fixed"),
        (0.0, 0.0, "missed"),
        (None, 1.0, "error"),
        (1.0, None, "error"),
    ],
)
def test_status(base: float | None, candidate: float | None, status: Status) -> None:
    """A mean score of one half counts as right; without both there is no comparison."""
    assert status_of(base, candidate) == status


def entry(*records: Record, case: Case | None = None) -> CaseEntry:
    """Return the entry of one case with the given records of base and candidate."""
    made = SCENARIOS["inconclusive"]()
    suite = made.suites[0]
    case = case or suite.cases[0]
    records = tuple(replace(r, suite=case.suite, case=case.id) for r in records)
    return list_cases(made.decision.comparisons, [replace(suite, cases=(case,))], records)[0]


def record(
    model: str, outcome: Reply | Failure, *, sample: int = 0, score: float | None = 1.0
) -> Record:
    """Return a record of a model."""
    grades = {} if score is None else {"match": Grade(score, score >= 0.5, "because")}
    return Record("", "", model, sample, outcome, grades, score)


def test_samples_are_averaged_and_all_shown() -> None:
    """A case with three samples counts once, by its mean, and shows its answers in order."""
    found = entry(
        record("base", Reply("b")),
        *(
            record("tuned", Reply(str(i)), sample=i, score=s)
            for i, s in ((2, 0.0), (0, 1.0), (1, 0.0))
        ),
    )
    assert [a.text for a in found.candidate] == ["0", "1", "2"]
    assert (found.status, found.candidate_score) == ("broken", "33")


def test_an_answer_that_never_came_says_why() -> None:
    """A failure is shown as one and is no wrong answer."""
    found = entry(
        record("base", Reply("b")), record("tuned", Failure("rate_limited", "429\x07"), score=None)
    )
    answer = found.candidate[0]
    assert (found.status, answer.right, answer.score) == ("error", None, "–")
    assert answer.notes == ("no answer (rate limited): 429⟦U+0007⟧",)
    assert answer.short == answer.notes[0]


def test_an_ungraded_answer_is_shown_with_its_reason() -> None:
    """Text that could not be graded is neither right nor wrong."""
    ungraded = replace(record("tuned", Reply("x"), score=None), grades={"m": Ungraded("timed out")})
    answer = entry(record("base", Reply("b")), ungraded).candidate[0]
    assert (answer.text, answer.right) == ("x", None)
    assert answer.notes == ("m: could not be graded, timed out",)


def test_a_model_that_was_not_asked_says_so() -> None:
    """A case that lacks a model's record still has both sides."""
    assert entry(record("base", Reply("b"))).candidate[0].notes == ("not asked",)


def test_prompts_of_every_form_become_text() -> None:
    """Content parts, tool calls, missing content and odd values are all written out."""
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": "x.png"}, "bare"]
    calls = [{"name": "find", "arguments": {"q": 1}}]
    messages = (
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"content": {"odd": True}},
    )
    case = Case("triage", "a", messages, expected={"b": 1, "a": [2]})
    found = entry(record("base", Reply("b")), case=case)
    assert [role for role, _ in found.prompt] == ["user", "assistant", "user"]
    first, second, third = (text for _, text in found.prompt)
    assert first.splitlines()[0] == "see"
    assert "x.png" in first
    assert first.endswith("bare")
    assert '"name": "find"' in second
    assert third == '{"odd": true}'
    assert found.expected == '{"a": [2], "b": 1}'


def test_a_case_without_messages_has_no_question() -> None:
    """A case may have nothing to show but its answers."""
    found = entry(record("base", Reply("b")), case=Case("triage", "a", ()))
    assert (found.question, found.expected) == ("", "")


def test_long_texts_are_cut_and_say_so() -> None:
    """A text beyond the limit names the file that has all of it."""
    text = entry(record("base", Reply("x" * (LONGEST_TEXT + 1)))).base[0].text
    assert text.startswith("x" * LONGEST_TEXT)
    assert text.endswith("records.jsonl.gz]")


def test_worst_first(view_of: ViewOf) -> None:
    """Broken cases lead, critical ones before others; what stayed right comes last."""
    cases = view_of("overfit").cases
    order: list[Status] = ["broken", "error", "missed", "fixed", "passed"]
    ranks = [order.index(c.status) for c in cases]
    assert ranks == sorted(ranks)
    broken = [c.critical for c in cases if c.status == "broken"]
    assert broken[0]
    assert broken == sorted(broken, reverse=True)


def test_training_cases_belong_to_their_candidate_only(view_of: ViewOf) -> None:
    """A candidate is not listed with the training cases of another one."""
    view = view_of("two")
    for case in view.cases:
        if case.split == "train":
            assert case.id.startswith(f"{view.candidates[case.pair].candidate}-train")
