"""The base's second answers for the A/A comparison: once drawn, every later run carries them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from evalkit.model import Case, Outcome, Reply, Suite
from evalkit.pipeline.plan import Plan, asks
from evalkit.pipeline.turns import Wait, heard
from evalkit.runner import Ask
from evalkit.store import Answers


def with_noise_known(plan: Plan, store: Answers, identities: Mapping[str, str]) -> Plan:
    """Return ``plan`` with the A/A comparison on each case that the store has all answers for.

    After a run that was stopped early or limited these are only those that it asked. A plan that
    asks the base twice anyway is returned as it is, and noted for the runs to come.
    """
    bases = [identities[model.name] for model in plan.models if model.role == "base"]
    if plan.aa:
        for identity in bases:
            store.note_again(identity)
        return plan
    if not store.asked_again(bases):
        return plan
    twice = replace(plan, aa=True)
    needed = {
        (suite.name, case.id): (case, [*_second(twice, suite, case)])
        for suite in plan.suites
        for case in suite.cases
    }

    def key(ask: Ask) -> str:
        return ask.request.key(identities[ask.model])

    first = [key(ask) for _, of_case in needed.values() for ask in of_case]
    stored: dict[str, Reply | None] = {**dict.fromkeys(first), **store.get_many(first)}

    def look_up(ask: Ask) -> Outcome:
        """Raise `KeyError` for what is not stored. Only later turns are not looked up yet."""
        found = key(ask)
        reply = stored[found] if found in stored else store.get_many([found])[found]
        if reply is None:
            raise KeyError(found)
        return reply

    known = (at for at, (case, of) in needed.items() if of and _all_there(case, of, look_up))
    return replace(plan, again=frozenset(known))


def _second(plan: Plan, suite: Suite, case: Case) -> Iterator[Ask]:
    return (a for a in asks(plan, suite, case) if a.request.sample >= suite.sampling.samples)


def _all_there(case: Case, of_case: Sequence[Ask], look_up: Wait) -> bool:
    """Return whether each of these has its answers, of a conversation those to all turns."""
    try:
        return all(heard(case, ask, look_up) is not None for ask in of_case)
    except KeyError:
        return False
