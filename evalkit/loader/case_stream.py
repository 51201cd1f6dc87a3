"""Suites whose cases are read anew each time they are needed, and checked before that.

The first look finds what is wrong with any case and holds 16 bytes for each: digests of its id and
of what it asks. Only cases that share one are held longer.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evalkit.errors import Fault, SetupError
from evalkit.loader.arrowfile import data_parts
from evalkit.loader.faults import Faults, shown
from evalkit.loader.load import Loaded, load
from evalkit.loader.score_columns import MOST_SLICES
from evalkit.loader.suites import CaseChecks, ReadSuite, Setting, read_suite
from evalkit.model import Case, Source, Suite
from evalkit.suite.cases import SlicesFound, add_case, bare_fault, build_case
from evalkit.suite.document import Document
from evalkit.suite.draft import Draft

Stamp = tuple[Path, int, int]
"""A file, its size and when it was written last, in nanoseconds."""


class Repeated:
    """The digests that came more than once; a text whose digest is among them may have."""

    def __init__(self, digests: array[int]) -> None:
        self._sorted = digests

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, text: str) -> bool:
        if not self._sorted:
            return False
        digest = _digest(text)
        at = bisect_left(self._sorted, digest)
        return at < len(self._sorted) and self._sorted[at] == digest


class Digests:
    """Digests of many texts, 8 bytes each; a million texts share one by chance in 3e-8 of runs."""

    def __init__(self) -> None:
        self._all = array("Q")

    def add(self, text: str) -> None:
        """Take in a text."""
        self._all.append(_digest(text))

    def repeated(self) -> Repeated:
        """Return the digests that came more than once; to be called once, at the end."""
        digests = np.frombuffer(self._all, dtype=np.uint64)
        digests.sort()
        twice = np.unique(digests[1:][digests[1:] == digests[:-1]])
        return Repeated(array("Q", twice.tobytes()))


@dataclass(frozen=True, slots=True)
class CaseStream:
    """A sound suite, its cases read from the files each time.

    ``counts`` says how many cases there are by the candidates that were trained on them: none for
    held-out ones. ``values`` are the slices (field and value), one more than `MOST_SLICES` at most.
    ``alike`` has what several cases ask, as `asked_text` gives it. ``conversation`` is where the
    first case of several user turns stands.
    """

    found: ReadSuite
    counts: Mapping[frozenset[str], int]
    values: frozenset[tuple[str, str]]
    alike: Repeated
    conversation: Source | None
    twins: Mapping[str, Case]
    stamps: tuple[Stamp, ...]

    @property
    def suite(self) -> Suite:
        """The suite, without cases."""
        return self.found.suite

    @property
    def slices(self) -> tuple[str, ...]:
        """The fields by which the suite's cases are in slices."""
        return self.found.draft.slices

    def count(self, learners: Collection[str]) -> int:
        """Return how many cases are held out, or were in the training of one of ``learners``."""
        return sum(
            number
            for trained, number in self.counts.items()
            if not trained or not trained.isdisjoint(learners)
        )

    def cases(self) -> Iterator[Case]:
        """Yield the cases in the order of the files; equal rows of training files come once.

        Raises:
            SetupError: a file is not what it was when it was checked.
        """
        _refuse_changed(self.stamps)
        faults, twins = Faults(), dict(self.twins)
        for draft in self.found.drafts(faults):
            case = build_case(self.found.draft, draft)
            if isinstance(case, Fault):
                faults.add([case])
                continue
            if case.id not in self.twins:
                yield case
            elif twin := twins.pop(case.id, None):
                yield replace(case, trained=twin.trained)
        faults.raise_any()
        _refuse_changed(self.stamps)


def load_streams(
    project_file: Path, *, policy_file: Path | None, environ: Mapping[str, str]
) -> tuple[Loaded, tuple[CaseStream, ...]]:
    """Read a project as `load` does, its suites without cases beside what yields these."""
    streams: list[CaseStream] = []

    def read(path: Path, document: Document, setting: Setting, faults: Faults) -> Suite:
        streams.append(_checked(path, document, setting, faults))
        return streams[-1].suite

    loaded = load(project_file, policy_file=policy_file, environ=environ, read_suite=read)
    return loaded, tuple(streams)


def asked_text(case: Case) -> str:
    """Return what a case asks as one text; equal for equal prompts."""
    return json.dumps(case.asks, sort_keys=True, default=str) if case.messages else ""


def _checked(path: Path, document: Document, setting: Setting, faults: Faults) -> CaseStream:
    before = len(faults)
    found = read_suite(path, document, setting, faults)
    files = {part for _, files in found.sources for file in files for part in data_parts(file)}
    stamps = tuple(map(_stamp, sorted(files)))
    checks = CaseChecks(found.suite, setting) if len(faults) == before else None
    look = _Look(found, checks)
    for draft in found.drafts(faults):
        faults.add(look.at(draft))
    faults.add(look.faults())
    if checks is not None and len(faults) == before:
        faults.add(checks.at_end())
    repeated = look.ids.repeated()
    twins = _twins(found, repeated, faults, look.counts) if repeated else {}
    return CaseStream(
        found=found,
        counts=look.counts,
        values=frozenset(look.values),
        alike=look.asked.repeated(),
        conversation=look.conversation,
        twins=twins,
        stamps=stamps,
    )


class _Look:
    """The first look at the cases of a suite, one by one; ``checks`` where it is sound so far."""

    def __init__(self, found: ReadSuite, checks: CaseChecks | None) -> None:
        self.ids = Digests()
        self.asked = Digests()
        self.counts: Counter[frozenset[str]] = Counter()
        self.values: set[tuple[str, str]] = set()
        self.conversation: Source | None = None
        self._draft = found.draft
        self._checks = checks
        self._slices = SlicesFound(found.draft)
        self._bare: list[Source] = []
        self._number_bare = 0

    def at(self, draft: Draft) -> Iterator[Fault]:
        """Take in a draft; yield what is wrong with it."""
        if self._draft.prompt is None and draft.chat is None:
            self._number_bare += 1
            self._bare = self._bare or [draft.source]
            return
        case = build_case(self._draft, draft)
        if isinstance(case, Fault):
            yield case
            return
        self._note(case)
        if not _writable(case):
            needed, got = "text without halves of characters in ids, clusters and slices", case.id
            yield Fault(case.source.path, case.source.line, needed, repr(got), "whole characters")
        if self._checks is not None:
            yield from self._checks.of(case)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with all of them together."""
        yield from self._slices.faults()
        if self._draft.rows_ask and self._bare:
            yield bare_fault(self._draft, self._number_bare, self._bare[0])

    def _note(self, case: Case) -> None:
        self.ids.add(case.id)
        self.asked.add(asked_text(case))
        self.counts[case.trained] += 1
        self.conversation = self.conversation or (case.source if case.turns else None)
        self._slices.add(case)
        if len(self.values) <= MOST_SLICES:
            self.values.update(case.slices.items())


def _twins(
    found: ReadSuite, repeated: Repeated, faults: Faults, counts: Counter[frozenset[str]]
) -> dict[str, Case]:
    """Look again at the cases whose ids came twice; return the training cases among them, merged.

    Held-out cases with one id are faults. What is kept of a case is without its texts.
    """
    cases: dict[str, Case] = {}
    for draft in found.drafts(Faults()):
        case = build_case(found.draft, draft)
        if isinstance(case, Fault) or case.id not in repeated:
            continue
        counts[case.trained] -= case.id in cases
        light = replace(case, messages=(), vars={}, tags={}, slices={}, expected=None)
        fault = add_case(cases, light, draft)
        faults.add([fault] if fault is not None else [])
    return {name: case for name, case in cases.items() if case.split == "train"}


def _writable(case: Case) -> bool:
    try:
        "".join((case.id, case.cluster or "", *case.slices.values())).encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(text: str) -> int:
    found = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(found.digest(), "little")


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns


def _refuse_changed(stamps: tuple[Stamp, ...]) -> None:
    for path, *before in stamps:
        if not path.is_file() or list(_stamp(path)[1:]) != before:
            raise SetupError(
                "data files that stay as they are while a run reads them",
                got=f"{shown(path)}, which was written to after it was checked",
                instead="run again once the program that writes it has ended",
            )
