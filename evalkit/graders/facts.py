"""Graders of how an answer came about: `latency`, `tokens`, `cost` and `finish_reason`."""

from __future__ import annotations

from dataclasses import replace

from evalkit.graders.base import TextGrader, UngradableError, alone_with, verdict
from evalkit.model import Grade, GraderSpec, Price, Reply
from evalkit.model.batch import is_batched

_COST = "cost of the answer"
"""Where a reply on its way to the graders holds what it cost; stored answers hold no prices."""


def latency(spec: GraderSpec) -> TextGrader:
    """Ask whether the answer took at most ``max_s`` seconds, from sending to its last byte.

    A stored answer keeps the time it took when it was asked.
    """
    most = float(spec.options["max_s"])

    def judge(reply: Reply) -> Grade:
        if reply.latency_s <= 0:
            raise UngradableError("the reply holds no time: its client measures none")
        passed = reply.latency_s <= most
        reason = "" if passed else f"{reply.latency_s:.3g} s, at most {most:g} s"
        return verdict(passed=passed, reason=reason, latency_s=reply.latency_s)

    return alone_with(judge)


def tokens(spec: GraderSpec) -> TextGrader:
    """Ask whether the endpoint counted at most ``max_output``, and ``max_total``, tokens."""
    limits = {
        name: spec.options[f"max_{name}"]
        for name in ("output", "total")
        if f"max_{name}" in spec.options
    }

    def judge(reply: Reply) -> Grade:
        usage = reply.usage
        counted = {"output": usage.output, "total": usage.input + usage.output}
        if not any(counted.values()):
            raise UngradableError("the endpoint did not count the tokens of this answer")
        over = [
            f"{counted[n]} {n} tokens, at most {m}" for n, m in limits.items() if counted[n] > m
        ]
        return verdict(passed=not over, reason=", ".join(over), **counted)

    return alone_with(judge)


def priced(reply: Reply, price: Price | None) -> Reply:
    """Return ``reply`` with what it cost at ``price``; as it is if there is no price or count."""
    usage = reply.usage
    if price is None or not (usage.input or usage.output):
        return reply
    return replace(reply, extra={**reply.extra, _COST: price.of(usage, batch=is_batched(reply))})


def cost(spec: GraderSpec) -> TextGrader:
    """Ask whether the answer cost at most ``max``, by the `price` of its model in the project.

    ``max`` is in the currency of the prices.
    """
    most = float(spec.options["max"])

    def judge(reply: Reply) -> Grade:
        money = reply.extra.get(_COST)
        if not isinstance(money, float):
            raise UngradableError("no price of the model, or no count of the answer's tokens")
        passed = money <= most
        reason = "" if passed else f"{money:.3g}, at most {most:g}"
        return verdict(passed=passed, reason=reason, cost=money)

    return alone_with(judge)


def finish_reason(spec: GraderSpec) -> TextGrader:
    """Ask whether the answer ended for one of the reasons in ``allowed``."""
    allowed = spec.options["allowed"]

    def judge(reply: Reply) -> Grade:
        ended = reply.finish_reason
        passed = ended in allowed
        reason = "" if passed else f"{ended}, not {' or '.join(allowed)}"
        return verdict(passed=passed, reason=reason, finish_reason=ended)

    return alone_with(judge)
