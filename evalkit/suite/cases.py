"""Drafts to cases: prompts rendered, ids given, slices and clusters read, doubles found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Case, Message, Source
from evalkit.suite.chat import last_user_text
from evalkit.suite.document import field_value
from evalkit.suite.draft import Draft, RowError, SuiteDraft
from evalkit.suite.prompt import Prompt, PromptError
from evalkit.suite.validate import did_you_mean

_ID_DIGITS = 12


def build_cases(suite: SuiteDraft, drafts: Iterable[Draft]) -> tuple[tuple[Case, ...], list[Fault]]:
    """Return the cases of ``suite`` in order, and the faults of those that cannot be built.

    Rows of training files with the same request and the same expected answer become one case that
    names every candidate that saw it; two held-out cases with one id are a fault.
    """
    cases: dict[str, Case] = {}
    faults: list[Fault] = []
    for draft in drafts:
        case = build_case(suite, draft)
        fault = case if isinstance(case, Fault) else add_case(cases, case, draft)
        faults += [fault] if fault is not None else []
    return tuple(cases.values()), faults


def build_case(suite: SuiteDraft, draft: Draft) -> Case | Fault:
    """Return the case of one draft, or why it makes none."""
    try:
        return _case(suite, draft)
    except RowError as error:
        return error.fault(draft.source)


def add_case(cases: dict[str, Case], case: Case, draft: Draft) -> Fault | None:
    """Add the case of ``draft`` by its id, or return why it may not stand beside its twin."""
    twin = cases.setdefault(case.id, case)
    if twin is case:
        return None
    if twin.split == case.split == "train":
        cases[case.id] = replace(twin, trained=twin.trained | case.trained)
        return None
    return _double(draft, twin).fault(draft.source)


def prompt_faults(suite: SuiteDraft, drafts: Iterable[Draft]) -> list[Fault]:
    """Return a fault if the suite has no prompt though some of its cases bring none."""
    bare = [draft.source for draft in drafts if draft.chat is None]
    return [bare_fault(suite, len(bare), bare[0])] if suite.rows_ask and bare else []


def bare_fault(suite: SuiteDraft, number: int, first: Source) -> Fault:
    """Return the fault of so many cases without messages in a suite without a prompt."""
    return suite.document.fault(
        (),
        "a prompt for cases that bring no messages",
        got=f"no prompt for {number} cases, the first in {first.path}:{first.line}",
        instead='prompt: "{{ question }}"',
    )


def slice_faults(suite: SuiteDraft, cases: Iterable[Case]) -> list[Fault]:
    """Return a fault for each slice that no case has a value for."""
    found = SlicesFound(suite)
    for case in cases:
        found.add(case)
    return found.faults()


class SlicesFound:
    """Which slices of a suite its cases have; each case is looked at once."""

    def __init__(self, suite: SuiteDraft) -> None:
        self._suite = suite
        self._missing = set(suite.slices)
        self._fields: set[str] = set()
        self._looked = False

    def add(self, case: Case) -> None:
        """Look at a case."""
        self._looked = True
        if self._missing:
            self._missing.difference_update(case.slices)
            self._fields.update(f"tags.{name}" for name in case.tags)
            self._fields.update(f"vars.{name}" for name in case.vars)

    def faults(self) -> list[Fault]:
        """Return a fault for each slice that none of the cases has a value for."""
        return [
            self._suite.document.fault(
                ("slices", number),
                "slices that at least one case has",
                got=f"'{name}', which no case has",
                instead="one of: " + (", ".join(sorted(self._fields)) or "none"),
            )
            for number, name in enumerate(self._suite.slices)
            if self._looked and name in self._missing
        ]


def _case(suite: SuiteDraft, draft: Draft) -> Case:
    messages = _with_shots(asked_messages(suite, draft), suite.shots)
    turns = _turns(suite, draft)
    return Case(
        suite=suite.name,
        id=_id(draft, messages, turns),
        messages=messages,
        expected=draft.expected,
        vars=draft.vars,
        tags=draft.tags,
        split=draft.split,
        trained=draft.trained,
        critical=draft.critical and draft.split == "heldout",
        cluster=_cluster(suite, draft),
        slices={name: v for name in suite.slices if (v := _value(draft, name)) is not None},
        source=draft.source,
        human=draft.human,
        extra=draft.extra,
        turns=turns,
    )


def _with_shots(messages: tuple[Message, ...], shots: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with examples before the last user turn."""
    users = [number for number, message in enumerate(messages) if message["role"] == "user"]
    at = users[-1] if users else len(messages)
    return (*messages[:at], *shots, *messages[at:]) if shots else messages


def asked_messages(suite: SuiteDraft, draft: Draft) -> tuple[Message, ...]:
    """Return what a case asks, without examples; raise `RowError` if it cannot be rendered."""
    if suite.prompt is None:
        return draft.chat or ()
    return _rendered(suite, draft, suite.prompt, "the prompt")


def _turns(suite: SuiteDraft, draft: Draft) -> tuple[str, ...]:
    """Return the further user turns of a case; one that renders to nothing is left out."""
    if draft.turns is not None or suite.turns is None:
        return draft.turns or ()
    found = _rendered(suite, draft, suite.turns, "the conversation")
    return tuple(turn["content"] for turn in found if turn["content"].strip())


def _rendered(suite: SuiteDraft, draft: Draft, prompt: Prompt, what: str) -> tuple[Message, ...]:
    variables = _variables(draft)
    try:
        return prompt.render(variables, suite.image)
    except PromptError as error:
        named = f"case {draft.id}: " if draft.id else ""
        otherwise = f"the variable under the case's vars, or another name in {what}"
        raise RowError(
            f"a value for every variable of {what}",
            got=f"{named}{error}",
            instead=did_you_mean(error.missing, variables, otherwise=otherwise),
        ) from error


def _variables(draft: Draft) -> Mapping[str, Any]:
    """Return what a prompt may use: the vars, and for chat rows what the row brought along."""
    if draft.chat is None:
        return draft.vars
    row = {"messages": draft.chat, "user": last_user_text(draft.chat), "expected": draft.expected}
    return {**row, **draft.vars}


def _id(draft: Draft, messages: tuple[Message, ...], turns: tuple[str, ...]) -> str:
    # A training file's own ids are left aside: two candidates' files may use one id for two rows.
    if draft.split == "train":
        return "train-" + _digest([*_question(draft, messages, turns), draft.expected])
    if draft.id and "::" in draft.id:
        got = f"'{draft.id}'"
        raise RowError("an id without '::', by which pytest parts names", got=got, instead="':'")
    more = draft.extra or turns
    return draft.id or _digest(_question(draft, messages, turns) if more else messages)


def _question(draft: Draft, messages: tuple[Message, ...], turns: tuple[str, ...]) -> list[Any]:
    """Return what a case asks: its messages, what else its row brought, and its further turns."""
    if turns:
        return [messages, dict(draft.extra), turns]
    return [messages, dict(draft.extra)] if draft.extra else [messages]


def _digest(content: Any) -> str:  # noqa: ANN401  (any JSON value)
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


def _double(draft: Draft, twin: Case) -> RowError:
    where = f"{twin.source.path}:{twin.source.line}"
    if draft.id is None:
        got = f"the same request as the case in {where}, and neither has an id"
        return RowError(
            "cases that differ, or ids", got=got, instead="an id for each, or one of them"
        )
    return RowError(
        "one case of each id", got=f"'{draft.id}', also in {where}", instead="another id"
    )


def _value(draft: Draft, name: str) -> str | None:
    return field_value(name, tags=draft.tags, variables=draft.vars)


def _cluster(suite: SuiteDraft, draft: Draft) -> str | None:
    if draft.cluster is not None or suite.cluster is None:
        return draft.cluster or draft.conversation
    value = _value(draft, suite.cluster)
    if value is None and draft.split == "heldout":
        raise RowError(
            f"{suite.cluster}, the suite's cluster, in every case",
            got="tags "
            + (", ".join(draft.tags) or "-")
            + "; vars "
            + (", ".join(draft.vars) or "-"),
            instead=f"{suite.cluster} or a field 'cluster' in the case",
        )
    return value
