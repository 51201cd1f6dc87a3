"""Drafts to cases: prompts rendered, ids given, slices and clusters read, doubles found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.errors import Fault
from evalkit.model import Case, Message
from evalkit.suite.chat import last_user_text
from evalkit.suite.document import plain
from evalkit.suite.draft import Draft, RowError, SuiteDraft
from evalkit.suite.prompt import PromptError
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
        try:
            case = _case(suite, draft)
        except RowError as error:
            faults.append(error.fault(draft.source))
            continue
        twin = cases.get(case.id)
        if twin is None:
            cases[case.id] = case
        elif twin.split == case.split == "train":
            cases[case.id] = replace(twin, trained=twin.trained | case.trained)
        else:
            faults.append(_double(draft, twin).fault(draft.source))
    return tuple(cases.values()), faults


def prompt_faults(suite: SuiteDraft, drafts: Sequence[Draft]) -> list[Fault]:
    """Return a fault if the suite has no prompt though some of its cases bring none."""
    bare = [draft for draft in drafts if draft.chat is None]
    if not (suite.rows_ask and bare):
        return []
    first = bare[0].source
    fault = suite.document.fault(
        (),
        "a prompt for cases that bring no messages",
        got=f"no prompt for {len(bare)} cases, the first in {first.path}:{first.line}",
        instead='prompt: "{{ question }}"',
    )
    return [fault]


def slice_faults(suite: SuiteDraft, cases: Sequence[Case]) -> list[Fault]:
    """Return a fault for each slice that no case has a value for."""
    return [
        suite.document.fault(
            ("slices", number),
            "slices that at least one case has",
            got=f"'{name}', which no case has",
            instead="one of: " + ", ".join(_fields_of(cases)),
        )
        for number, name in enumerate(suite.slices)
        if cases and not any(name in case.slices for case in cases)
    ]


def _case(suite: SuiteDraft, draft: Draft) -> Case:
    messages = _messages(suite, draft)
    return Case(
        suite=suite.name,
        id=_id(draft, messages),
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
    )


def _messages(suite: SuiteDraft, draft: Draft) -> tuple[Message, ...]:
    if suite.prompt is None:
        return draft.chat or ()
    variables = _variables(draft)
    try:
        return suite.prompt.render(variables)
    except PromptError as error:
        named = f"case {draft.id}: " if draft.id else ""
        otherwise = "the variable under the case's vars, or another name in the prompt"
        raise RowError(
            "a value for every variable of the prompt",
            got=f"{named}{error}",
            instead=did_you_mean(error.missing, variables, otherwise=otherwise),
        ) from error


def _variables(draft: Draft) -> Mapping[str, Any]:
    """Return what a prompt may use: the vars, and for chat rows what the row brought along."""
    if draft.chat is None:
        return draft.vars
    row = {"messages": draft.chat, "user": last_user_text(draft.chat), "expected": draft.expected}
    return {**row, **draft.vars}


def _id(draft: Draft, messages: tuple[Message, ...]) -> str:
    # A training file's own ids are left aside: two candidates' files may use one id for two rows.
    if draft.split == "train":
        return "train-" + _digest([messages, draft.expected])
    if draft.id and "::" in draft.id:
        got = f"'{draft.id}'"
        raise RowError("an id without '::', by which pytest parts names", got=got, instead="':'")
    return draft.id or _digest(messages)


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
    """Return the value of ``tags.x`` or ``vars.x`` as text, if it is there and a scalar."""
    group, _, field = name.partition(".")
    members: Mapping[str, Any] = draft.tags if group == "tags" else draft.vars
    value = members.get(field)
    return None if value is None or isinstance(value, Mapping | list) else plain(value)


def _cluster(suite: SuiteDraft, draft: Draft) -> str | None:
    if draft.cluster is not None or suite.cluster is None:
        return draft.cluster
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


def _fields_of(cases: Sequence[Case]) -> list[str]:
    tags = {f"tags.{name}" for case in cases for name in case.tags}
    return sorted(tags | {f"vars.{name}" for case in cases for name in case.vars}) or ["none"]
