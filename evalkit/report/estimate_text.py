"""What a run will take, for a terminal: one line before it starts, and a table for `plan`."""

from __future__ import annotations

from evalkit.report.numerals import ABSENT, count, many, money, roughly, tokens
from evalkit.report.safe import one_line, shorten
from evalkit.report.tables import plain_rows
from evalkit.runner import Amount, Estimate, ModelEstimate

_HEAD = ("model", "requests", "stored", "tokens in", "tokens out", "cost", "at most", "time")
_NAME = 12


def estimate_line(found: Estimate) -> str:
    """Return what asking will take in one line; empty if everything is stored."""
    if not found.requests:
        return ""
    up_to = "up to " if found.may_end else ""
    size = f"{many(found.requests, 'request')} to {many(len(found.asked), 'model')}"
    parts = [up_to + size, f"{_bounded(found.tokens)} tokens"]
    if found.money is not None:
        parts.append(f"cost {_cost(found.money)}")
    if found.seconds is not None:
        parts.append(roughly(found.seconds))
    if found.beyond:
        parts.append(f"more than the budget ({found.beyond})")
    line = ", ".join(parts)
    if found.on_the_way:
        twice = f"{many(found.on_the_way, 'request')} on the way in a batch would be paid twice"
        line += f"\n{twice}: `evalkit batch collect` first"
    return line


def estimate_table(found: Estimate) -> str:
    """Return what each model will take, in lines of at most 80 characters."""
    if not found.requests:
        stored = sum(model.stored for model in found.models)
        return f"nothing to ask: all {many(stored, 'answer')} are stored\n"
    rows = [_HEAD, *(_row(model) for model in found.models)]
    lines = [
        *plain_rows(rows),
        "",
        *(_basis(model) for model in found.asked),
        "",
        estimate_line(found),
    ]
    return "\n".join(lines) + "\n"


def _bounded(amount: Amount) -> str:
    if amount.likely is None:
        return f"at most {tokens(amount.most)}"
    return f"about {tokens(amount.likely)}"


def _cost(amount: Amount) -> str:
    most = f"at most {money(amount.most)}"
    return most if amount.likely is None else f"{money(amount.likely)} ({most})"


def _row(model: ModelEstimate) -> tuple[str, ...]:
    cost = model.money
    return (
        _name(model.model),
        count(model.requests),
        count(model.stored),
        _short(model.input_tokens),
        _short(model.output_tokens),
        ABSENT if cost is None or cost.likely is None else money(cost.likely),
        ABSENT if cost is None else money(cost.most),
        ABSENT if model.seconds is None else roughly(model.seconds),
    )


def _short(amount: Amount) -> str:
    return f"≤ {tokens(amount.most)}" if amount.likely is None else tokens(amount.likely)


def _basis(model: ModelEstimate) -> str:
    """Return what a model's numbers rest on."""
    basis, name = model.basis, _name(model.model)
    if basis is None:
        return f"{name}: at most, by the length of its prompts and max_tokens"
    whose = "" if basis.model == model.model else f" of {_name(basis.model)}"
    where = "stored answer" if basis.source == "stored" else "answer"
    earlier = " in an earlier run" if basis.source == "earlier run" else ""
    return f"{name}: estimated from {many(basis.answers, where)}{whose}{earlier}"


def _name(model: str) -> str:
    return shorten(one_line(model, 60), _NAME)
