"""The batch lane's way back: how far the batches are, and their answers into the store.

Needs no plan, only the notes that `evalkit.pipeline.batch` left, so that any
later process can do it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from evalkit.clients import make_client
from evalkit.clients.batch_lines import Line, gather, read_lines
from evalkit.clients.batches import BatchAPI
from evalkit.clients.endpoints import ENDPOINTS
from evalkit.clients.openai_client import OpenAIClient
from evalkit.errors import EvalkitError, SetupError
from evalkit.model import AnswerStore, Project
from evalkit.model.batch import Batch, BatchState, Gathered, Lost
from evalkit.pipeline.batch import by_identity, confirmed
from evalkit.store import Answers
from evalkit.store.batches import Batches

NEVER_ANSWERED = {"failed": "not_taken", "expired": "expired", "cancelled": "cancelled"}
"""By a batch's state, what became of a request that none of its files tells of."""

Found = tuple[Batch, BatchState]


@dataclass(slots=True)
class Seen:
    """The batches as they were found, and why some could not be asked for."""

    states: list[Found] = field(default_factory=list)
    problems: list[EvalkitError] = field(default_factory=list)


@dataclass(slots=True)
class Collected:
    """What was collected, batch by batch, and what is still open or could not be had."""

    gathered: list[Gathered] = field(default_factory=list)
    open: list[Found] = field(default_factory=list)
    problems: list[EvalkitError] = field(default_factory=list)


class Collector:
    """Looks after the batches noted below ``reports``, by the models of ``project``.

    One batch that cannot be had stops no other: why is told in ``problems``.
    """

    def __init__(self, reports: Path, project: Project, *, environ: Mapping[str, str]) -> None:
        self._answers = reports / "answers.sqlite"
        self._notes = Batches(reports)
        self._clients = by_identity(_clients(project, environ))

    def look(self) -> Seen:
        """Return how far every batch is; of an exported one, how much of it is stored."""
        exported = [batch for batch in self._notes if batch.exported]
        seen = asyncio.run(self._look())
        if exported:
            with Answers(self._answers) as store:
                for batch in exported:
                    done = len(store.get_many(batch.keys))
                    state = BatchState("", "exported", total=len(batch.keys), done=done)
                    seen.states.append((batch, state))
        return seen

    def collect(self) -> Collected:
        """Store the answers of every finished batch and take it out of the notes.

        A batch whose files did not come whole stays as it is.
        """
        return asyncio.run(self._collect())

    def cancel(self) -> Seen:
        """Have no open batch answered any further; what it has until then is to be collected."""
        return asyncio.run(self._cancel())

    async def _cancel(self) -> Seen:
        seen, cancelled = Seen(), Seen()
        async with AsyncExitStack() as stack:
            doors = _Doors(self._clients, stack)
            await self._look_at_all(seen, doors)
            cancelled.problems = seen.problems
            for batch, state in seen.states:
                if state.finished:
                    continue
                try:
                    stopped = await (await doors.to(batch)).cancel(batch.id)
                    cancelled.states.append((batch, stopped))
                except EvalkitError as error:
                    cancelled.problems.append(error)
        return cancelled

    async def _look(self) -> Seen:
        seen = Seen()
        async with AsyncExitStack() as stack:
            await self._look_at_all(seen, _Doors(self._clients, stack))
        return seen

    async def _collect(self) -> Collected:
        seen, collected = Seen(), Collected()
        async with AsyncExitStack() as stack:
            doors = _Doors(self._clients, stack)
            await self._look_at_all(seen, doors)
            collected.problems = seen.problems
            for batch, state in seen.states:
                if not state.finished:
                    collected.open.append((batch, state))
                    continue
                try:
                    collected.gathered.append(await self._take(doors, batch, state))
                except EvalkitError as error:
                    collected.problems.append(error)
        return collected

    async def _look_at_all(self, seen: Seen, doors: _Doors) -> None:
        for batch in self._notes:
            if batch.exported:
                continue
            try:
                api = await doors.to(batch)
                known = await confirmed(api, batch, self._notes)
                if known is not None:
                    seen.states.append((known, await api.state(known.id)))
            except EvalkitError as error:
                seen.problems.append(error)

    async def _take(self, doors: _Doors, batch: Batch, state: BatchState) -> Gathered:
        """Download what a batch came to, store it, and only then forget the batch."""
        api, found = await doors.to(batch), Gathered(f"{batch.id} ({batch.model})")
        named = {"output.jsonl": state.output_file, "errors.jsonl": state.error_file}
        paths = {self._notes.scratch(batch, sort): file for sort, file in named.items() if file}
        try:
            for path, file in paths.items():
                await api.download(file, path)
            told = self._store(batch, paths, found)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        if silent := len(set(batch.keys) - told):
            kind = NEVER_ANSWERED.get(state.state, "missing")
            why = "; ".join(state.errors) or f"told of in no file of a batch that is {state.state}"
            found.lose(Lost(kind, why), times=silent)
        self._notes.forget(batch)
        return found

    def _store(self, batch: Batch, paths: Mapping[Path, str], found: Gathered) -> set[str]:
        told: set[str] = set()
        endpoint = dict.fromkeys(batch.keys, ENDPOINTS[batch.endpoint])
        with Answers(self._answers) as store:
            for path, name in paths.items():
                with path.open("rb") as lines:
                    read = read_lines(lines, endpoint.get)
                    told |= gather(read, file=name, into=found, keep=store.put)
        return told


def collect_files(reports: Path, files: Sequence[Path]) -> Collected:
    """Store the answers in files that another program wrote for exported or sent requests.

    Raises:
        SetupError: a file cannot be read; those before it are stored.
    """
    notes, collected = Batches(reports), Collected()
    batches = list(notes)
    asked = {key: ENDPOINTS[b.endpoint] for b in batches for key in b.keys}
    with Answers(reports / "answers.sqlite") as store:
        for path in files:
            found = Gathered(str(path))
            with _readable(path) as lines:
                read = _known(read_lines(lines, asked.get), store)
                gather(read, file=str(path), into=found, keep=store.put)
            collected.gathered.append(found)
        whole = [b for b in batches if b.exported and len(store.get_many(b.keys)) == len(b.keys)]
    for batch in whole:
        notes.forget(batch)
    return collected


class _Doors:
    """The Batch APIs that were opened, by the model that they are of."""

    def __init__(self, clients: Mapping[str, OpenAIClient], stack: AsyncExitStack) -> None:
        self._clients = clients
        self._stack = stack
        self._apis: dict[str, BatchAPI] = {}

    async def to(self, batch: Batch) -> BatchAPI:
        """Return the API that has ``batch``; raise `SetupError` if no model leads there."""
        name = batch.identity
        if name not in self._clients:
            raise SetupError(
                f"in the project file the model that a batch is of: {name}",
                got=f"no model that is reached so, for {batch.id or batch.input_file}",
                instead=f"'{batch.model}' as it was when the batch was sent",
            )
        if name not in self._apis:
            api = BatchAPI(self._clients[name])
            self._apis[name] = await self._stack.enter_async_context(api)
        return self._apis[name]


def _clients(project: Project, environ: Mapping[str, str]) -> Iterator[OpenAIClient]:
    """Yield what the project's models are reached by; one that nothing leads to is left out."""
    for model in project.models.values():
        with suppress(SetupError):
            client = make_client(model, environ=environ)
            if isinstance(client, OpenAIClient):
                yield client


def _known(lines: Iterator[Line], store: AnswerStore) -> Iterator[Line]:
    """Tell lines of requests that are stored and noted no more from those of strangers."""
    for line in lines:
        unknown = isinstance(line.found, Lost) and line.found.kind == "unknown"
        if unknown and store.get_many([line.key]):
            yield Line(line.number, line.key, Lost("stored", "answered before"))
        else:
            yield line


@contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise SetupError(
            f"a file of answers that can be read: {path}",
            got=str(error),
            instead="what `vllm run-batch -o` wrote",
        ) from error
