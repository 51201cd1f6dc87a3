"""The batch lane's way out: what a run would ask, as files that are answered later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from evalkit.clients import make_client
from evalkit.clients.batch_lines import MOST_REQUESTS, Part, request_line, split
from evalkit.clients.batches import BatchAPI
from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import SetupError
from evalkit.model import AnswerStore, ModelSpec, Request, Suite
from evalkit.model.batch import Batch
from evalkit.pipeline.again import with_noise_known
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, asks
from evalkit.pipeline.turns import refuse_turns
from evalkit.runner.budget import Cost, beyond, longest
from evalkit.runner.usable import may_stand
from evalkit.store import Answers, check_writable
from evalkit.store.batches import Batches
from evalkit.store.folder import whole, writing

OnMade = Callable[[Batch], None]


@dataclass(slots=True)
class Outgoing:
    """What goes out as files: the open requests of each model by the key of their answer.

    ``stored`` and ``on_the_way`` count what was left out, as it is answered or asked already.
    ``others`` are models that a run has to ask: without a Batch API, or judges, whose questions
    follow from the answers. ``made`` are the files.
    """

    requests: Mapping[str, Mapping[str, Request]]
    stored: int
    on_the_way: int
    others: tuple[ModelSpec, ...]
    made: list[Batch] = field(default_factory=list)


class BatchLane:
    """Makes the files of one plan. Equal requests are one, within a file and between files.

    Every method raises `SetupError` for what the user can mend; what was sent before is noted.
    """

    def __init__(
        self, plan: Plan, options: Options, *, suites: Sequence[Suite], environ: Mapping[str, str]
    ) -> None:
        instead = "evalkit run for its suite, and for a batch the file of another one"
        refuse_turns(suites, way="in a batch", instead=instead)
        self._plan = plan
        self._options = options
        self._suites = suites
        made = {model.name: make_client(model, environ=environ) for model in plan.models}
        self._clients = {n: c for n, c in made.items() if isinstance(c, OpenAIClient)}
        self._identities = {name: client.identity for name, client in made.items()}
        if not self._clients:
            raise _nobody(plan)
        check_writable(options.reports)
        self._notes = Batches(options.reports)

    def submit(self, *, on_made: OnMade) -> Outgoing:
        """Send what neither the store nor an open batch has; return what it was.

        ``on_made`` is told of each batch as soon as the endpoint has it.
        """
        return asyncio.run(self._submit(on_made))

    def export(self, to: Path, *, on_made: OnMade) -> Outgoing:
        """Write what the store does not have to files in the empty folder ``to``.

        Nobody is asked, and no key is needed.
        """
        _check_empty(to)
        outgoing = self._outgoing(frozenset())
        for name in outgoing.requests:
            for number, (batch, part) in enumerate(self._files(name, outgoing), start=1):
                path = to / f"{name}-{number}.jsonl"
                with whole(path) as file:
                    file.write(part.content)
                self._note(replace(batch, exported=str(path)), outgoing, on_made)
        return outgoing

    async def _submit(self, on_made: OnMade) -> Outgoing:
        open_keys: set[str] = set()
        for batch in self._notes:
            if not batch.exported and await self._is_there(batch):
                open_keys.update(batch.keys)
        outgoing = self._outgoing(open_keys)
        self._check_budget(outgoing)
        for name, requests in outgoing.requests.items():
            if requests:
                async with BatchAPI(self._clients[name]) as api:
                    for batch, part in self._files(name, outgoing):
                        sent = await self._send(api, batch, part)
                        self._note(sent, outgoing, on_made)
        return outgoing

    async def _send(self, api: BatchAPI, batch: Batch, part: Part) -> Batch:
        """Upload a file, note it, make its batch: broken off in between, the note still tells."""
        name = f"{batch.model}-{batch.digest[:8]}.jsonl"
        uploaded = replace(batch, input_file=await api.upload(part.content, name=name))
        self._notes.keep(uploaded)
        return replace(uploaded, id=await api.create(uploaded))

    def _note(self, batch: Batch, outgoing: Outgoing, on_made: OnMade) -> None:
        self._notes.keep(batch)
        outgoing.made.append(batch)
        on_made(batch)

    async def _is_there(self, batch: Batch) -> bool:
        """Tell whether a batch was made; what asks a model of no account here counts as made."""
        client = by_identity(self._clients.values()).get(batch.identity)
        if batch.id or client is None:
            return True
        async with BatchAPI(client) as api:
            return await confirmed(api, batch, self._notes) is not None

    def _files(self, name: str, outgoing: Outgoing) -> Iterator[tuple[Batch, Part]]:
        client = self._clients[name]
        lines = (
            (key, request_line(key, client.batch_url, client.body(request)))
            for key, request in outgoing.requests[name].items()
        )
        for part in split(lines, most_requests=MOST_REQUESTS):
            batch = Batch(
                digest=part.digest,
                model=name,
                identity=client.identity,
                endpoint=client.kind,
                created=datetime.now(UTC).isoformat(timespec="milliseconds"),
                keys=part.keys,
            )
            yield batch, part

    def _outgoing(self, open_keys: AbstractSet[str]) -> Outgoing:
        with Answers(self._options.answers) as store:
            wanted = self._wanted(with_noise_known(self._plan, store, self._identities))
            left = {name: _unanswered(requests, store) for name, requests in wanted.items()}
        going = {
            name: {key: request for key, request in requests.items() if key not in open_keys}
            for name, requests in left.items()
        }
        all_, open_, now = (sum(map(len, r.values())) for r in (wanted, left, going))
        others = tuple(model for model in self._plan.asked if model.name not in self._clients)
        return Outgoing(going, stored=all_ - open_, on_the_way=open_ - now, others=others)

    def _wanted(self, plan: Plan) -> dict[str, dict[str, Request]]:
        wanted: dict[str, dict[str, Request]] = {name: {} for name in self._clients}
        for suite in self._suites:
            for ask in (ask for case in suite.cases for ask in asks(plan, suite, case)):
                if ask.model in wanted:
                    key = ask.request.key(self._identities[ask.model])
                    wanted[ask.model][key] = ask.request
        # Two models of the project may be the same one: it is asked once.
        seen: set[str] = set()
        for name, requests in wanted.items():
            wanted[name] = {key: r for key, r in requests.items() if key not in seen}
            seen.update(requests)
        return wanted

    def _check_budget(self, outgoing: Outgoing) -> None:
        """Refuse what could cost more than the budget: a batch that was sent cannot be stopped."""
        budget, total = self._plan.project.budget, Cost()
        for name, requests in outgoing.requests.items():
            price = self._plan.project.models[name].price
            for usage in map(longest, requests.values()):
                money = price.of(usage, batch=True) if price else 0.0
                total += Cost(1, usage.input + usage.output, money)
        if limit := beyond(budget, total):
            raise SetupError(
                f"requests that cannot cost more than the budget ({limit})",
                got=f"{total.requests:,} that may take {total.tokens:,.0f} tokens"
                + (f" and {total.money:.2f} of money" if total.money else ""),
                instead="--limit N or a larger --budget; evalkit run stops by itself at the limit",
            )


def by_identity(clients: Iterable[OpenAIClient]) -> dict[str, OpenAIClient]:
    """Return clients by what answers: a batch outlives the name of its model in the project."""
    return {client.identity: client for client in clients}


async def confirmed(api: BatchAPI, batch: Batch, notes: Batches) -> Batch | None:
    """Return a batch that is known to have been made; ``None``, and no note, if it was not.

    What broke off between the upload and the answer may have made it or not: the endpoint knows.
    """
    if batch.id:
        return batch
    found = await api.find(batch.input_file)
    if not found:
        notes.forget(batch)
        return None
    known = replace(batch, id=found)
    notes.keep(known)
    return known


def _unanswered(requests: Mapping[str, Request], store: AnswerStore) -> dict[str, Request]:
    found = store.get_many(list(requests))
    return {k: r for k, r in requests.items() if k not in found or not may_stand(r, found[k])}


def _check_empty(folder: Path) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        held = next(folder.iterdir(), None)
    if held is not None:
        raise SetupError(
            "an empty folder for the files of requests",
            got=f"{folder}, which holds {held.name}",
            instead="--out with another folder",
        )


def _nobody(plan: Plan) -> SetupError:
    models = ", ".join(f"{model.name} (client: {model.client})" for model in plan.models)
    return SetupError(
        "a model that a batch can ask, that is one of client openai or azure",
        got=models,
        instead="evalkit run: it asks every kind of model",
    )
