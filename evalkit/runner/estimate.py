"""What a run will take before it is asked: requests, tokens, money, time, and how that is known.

Pure: sums over what is to be asked and facts of answers that came before, to an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.model import Budget, ModelFacts, ModelSpec, Project, Usage
from evalkit.runner.outlook import Outlook

ENOUGH = 30
"""Stored answers to a run's own requests from which they say more than those of other runs."""

Source = Literal["stored", "earlier run"]


@dataclass(frozen=True, slots=True)
class Basis:
    """The answers that an estimate rests on: how many, whose, and what one took on average.

    ``source``: answers stored for requests of this run, or those of an earlier run. Tokens are 0
    where the endpoint did not count them.
    """

    source: Source
    model: str
    answers: int
    input_tokens: float
    output_tokens: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Amount:
    """What is likely, ``None`` where no answer tells, and the most it can be, one try a request."""

    likely: float | None
    most: float


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What asking one model takes.

    ``requests`` are to be asked, ``stored`` are answered already. ``money`` is ``None`` without a
    price. ``seconds`` is the time at full concurrency and within the limits a minute, ``None``
    where neither an answer nor a limit tells. ``basis`` is ``None`` where only lengths are known.
    """

    model: str
    requests: int
    stored: int
    input_tokens: Amount
    output_tokens: Amount
    money: Amount | None
    seconds: float | None
    basis: Basis | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run takes: its models are asked side by side.

    ``beyond`` is the limit of the budget that it is likely to reach, in words. ``may_end``: suites
    are asked only until they are settled, so it may take less. ``on_the_way`` counts requests that
    an open batch asks too.
    """

    models: tuple[ModelEstimate, ...]
    beyond: str = ""
    may_end: bool = False
    on_the_way: int = 0

    @property
    def asked(self) -> tuple[ModelEstimate, ...]:
        """The models that have something left to answer."""
        return tuple(model for model in self.models if model.requests)

    @property
    def requests(self) -> int:
        """Requests to all models."""
        return sum(model.requests for model in self.models)

    @property
    def tokens(self) -> Amount:
        """Tokens of all models, prompts and answers."""
        return added(part for m in self.asked for part in (m.input_tokens, m.output_tokens))

    @property
    def money(self) -> Amount | None:
        """What the models with a price cost; ``None`` if there is none."""
        amounts = [model.money for model in self.asked if model.money is not None]
        return added(amounts) if amounts else None

    @property
    def seconds(self) -> float | None:
        """The time of the slowest model, ``None`` if that of any is not known."""
        times = [model.seconds for model in self.asked]
        known = [seconds for seconds in times if seconds is not None]
        return max(known) if known and len(known) == len(times) else None


def added(amounts: Iterable[Amount]) -> Amount:
    """Return the sum; likely only where all of its parts are."""
    parts = list(amounts)
    likely = [part.likely for part in parts if part.likely is not None]
    whole = sum(likely) if len(likely) == len(parts) else None
    return Amount(whole, sum(part.most for part in parts))


def estimate(
    project: Project,
    outlooks: Mapping[str, Outlook],
    *,
    earlier: Callable[[str], ModelFacts | None],
    may_end: bool = False,
) -> Estimate:
    """Return what asking the models of ``project`` takes.

    ``outlooks`` are by model; ``earlier`` returns the facts of a model, by its name, from an
    earlier run. A model that never answered is taken to answer like the base that it is compared
    with.
    """
    bases = {pair.candidate: pair.base for pair in project.comparisons}
    known = {name: _basis(name, outlooks[name], earlier) for name in project.models}
    models = []
    for name, model in project.models.items():
        basis = known[name] or known.get(bases.get(model.of or name, ""))
        models.append(_of_model(model, outlooks[name], basis))
    found = Estimate(tuple(models), may_end=may_end)
    return replace(found, beyond=_beyond(found, project.budget))


def _beyond(found: Estimate, budget: Budget) -> str:
    money = found.money.likely if found.money else None
    likely = {"requests": found.requests, "tokens": found.tokens.likely, "money": money}
    for name, amount in likely.items():
        limit = getattr(budget, name)
        if limit is not None and amount is not None and amount > limit:
            return f"{name}: {limit:g}"
    return ""


def _basis(
    model: str, outlook: Outlook, earlier: Callable[[str], ModelFacts | None]
) -> Basis | None:
    n = outlook.answers
    own = n and Basis(
        "stored",
        model,
        n,
        input_tokens=outlook.input_tokens / n,
        output_tokens=outlook.output_tokens / n,
        latency_s=outlook.seconds / outlook.timed if outlook.timed else 0.0,
    )
    facts = earlier(model) if outlook.requests and n < ENOUGH else None
    if facts is None or facts.answers <= n:
        return own or None
    return Basis(
        "earlier run",
        model,
        facts.answers,
        input_tokens=facts.input_tokens / facts.answers,
        output_tokens=facts.output_tokens / facts.answers,
        latency_s=facts.median_latency_s or 0.0,
    )


def _of_model(spec: ModelSpec, outlook: Outlook, basis: Basis | None) -> ModelEstimate:
    n = outlook.requests
    given = _amount(n, basis.input_tokens if basis else 0.0, outlook.most_input)
    answered = _amount(n, basis.output_tokens if basis else 0.0, outlook.most_output)
    return ModelEstimate(
        model=spec.name,
        requests=n,
        stored=outlook.answers,
        input_tokens=given,
        output_tokens=answered,
        money=_money(spec, given, answered),
        seconds=_seconds(spec, n, added([given, answered]), basis),
        basis=basis,
    )


def _amount(n: int, mean: float, most: float) -> Amount:
    """Return the amount of ``n`` requests; an endpoint that counted nothing tells nothing."""
    return Amount(n * mean, max(most, n * mean)) if mean else Amount(None, most)


def _money(spec: ModelSpec, given: Amount, answered: Amount) -> Amount | None:
    price = spec.price
    if price is None:
        return None
    most = price.of(Usage(round(given.most), round(answered.most)))
    if given.likely is None or answered.likely is None:
        return Amount(None, most)
    return Amount(price.of(Usage(round(given.likely), round(answered.likely))), most)


def _seconds(spec: ModelSpec, n: int, tokens: Amount, basis: Basis | None) -> float | None:
    limits = spec.limits
    per_minute = (
        (n, limits.requests_per_minute),
        (tokens.most if tokens.likely is None else tokens.likely, limits.tokens_per_minute),
    )
    times = [60 * amount / limit for amount, limit in per_minute if limit]
    if basis is not None and basis.latency_s:
        times.append(max(n / limits.concurrency, 1) * basis.latency_s)
    return max(times, default=None)
