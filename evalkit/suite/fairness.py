"""Whether a suite's cases have the terms and templates that its ``fairness`` names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from evalkit.errors import Fault
from evalkit.model import Case
from evalkit.suite.document import field_value
from evalkit.suite.draft import SuiteDraft

_MOST_NAMED = 8


def term_faults(suite: SuiteDraft, cases: Iterable[Case]) -> list[Fault]:
    """Return what keeps the held-out ``cases`` from being compared term by term.

    That is a field that none of them has, or that no template has all of two or more terms. A
    template that lacks a term is no fault as long as another has them all: it is left out.
    """
    asked = [case for case in cases if case.split == "heldout"]
    if suite.fairness is None or not asked:
        return []
    fields = {"term": suite.fairness.term, "template": suite.fairness.template}
    values = {
        key: [field_value(name, tags=case.tags, variables=case.vars) for case in asked]
        for key, name in fields.items()
    }
    missing = [key for key, found in values.items() if not any(v is not None for v in found)]
    if missing:
        return [_missing(suite, key, name=fields[key], cases=asked) for key in missing]
    terms: dict[str, set[str]] = defaultdict(set)
    for template, term in zip(values["template"], values["term"], strict=True):
        if template is not None and term is not None:
            terms[template].add(term)
    return _incomplete(suite, list(terms.values()))


def _missing(suite: SuiteDraft, key: str, *, name: str, cases: Sequence[Case]) -> Fault:
    known = {f"{group}.{n}" for c in cases for group, n in _names(c)}
    return suite.document.fault(
        ("fairness", key),
        f"a {key} that held-out cases have",
        got=f"'{name}', which no held-out case has",
        instead="one of: " + (", ".join(sorted(known)) or "none"),
    )


def _names(case: Case) -> list[tuple[str, str]]:
    return [*(("tags", name) for name in case.tags), *(("vars", name) for name in case.vars)]


def _incomplete(suite: SuiteDraft, terms: Sequence[set[str]]) -> list[Fault]:
    every = sorted(set().union(*terms))
    if any(len(found) == len(every) > 1 for found in terms):
        return []
    named = ", ".join(every[:_MOST_NAMED]) + ", ..." * (len(every) > _MOST_NAMED)
    most = max(map(len, terms), default=0)
    fault = suite.document.fault(
        ("fairness",),
        "a template with every term, of two or more",
        got=f"{len(terms)} templates, the fullest with {most} of the {len(every)} terms: {named}",
        instead="a case of each term in every template, or another field as term or template",
    )
    return [fault]
