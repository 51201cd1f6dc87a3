"""The plan of a run whose cases are read as they are asked; what it cannot do is refused here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from evalkit.errors import SetupError
from evalkit.graders.registry import JUDGES
from evalkit.loader.case_stream import CaseStream, load_streams
from evalkit.loader.score_columns import MOST_SLICES
from evalkit.model import Case, Pair, Suite
from evalkit.pipeline.options import Options
from evalkit.pipeline.plan import Plan, learner
from evalkit.pipeline.prepare import found_project, plan_of
from evalkit.pipeline.run import in_part
from evalkit.pipeline.turns import conversation_refused


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """A plan whose suites have no cases, and where the cases come from, by suite.

    ``limit`` is how many are read of each suite at most. ``only`` are the suites that are asked.
    """

    plan: Plan
    streams: Mapping[str, CaseStream]
    limit: int | None
    only: frozenset[str]

    @property
    def pair(self) -> Pair:
        """The one comparison."""
        return self.plan.project.comparisons[0]

    @property
    def partial(self) -> str:
        """Why the run does not cover the project, in words; empty if it does."""
        whole = sum(self._count(suite) for suite in self.plan.suites)
        return in_part(self.plan, whole - self.number_of_cases, whole)

    @property
    def number_of_cases(self) -> int:
        """How many cases are asked."""
        return sum(self._count(suite) for suite in self.suites)

    @property
    def number_of_asks(self) -> int:
        """How many requests go to each of the two models, equal ones counted apart."""
        return sum(self._count(suite) * suite.sampling.samples for suite in self.suites)

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites that are asked."""
        return tuple(suite for suite in self.plan.suites if suite.name in self.only)

    def at(self, path: Path) -> StreamPlan:
        """Return the plan with the suites below ``path`` only; as `Plan.suites_at` raises."""
        return replace(self, only=frozenset(suite.name for suite in self.plan.suites_at(path)))

    def cases_of(self, suite: Suite) -> Iterator[Case]:
        """Yield the cases of a suite that are asked, from its files."""
        if suite.name not in self.only:
            return iter(())
        learners = self._learners
        cases = self.streams[suite.name].cases()
        known = (c for c in cases if c.split == "heldout" or c.trained & learners)
        return islice(known, self.limit)

    def _count(self, suite: Suite) -> int:
        number = self.streams[suite.name].count(self._learners)
        return number if self.limit is None else min(number, self.limit)

    @property
    def _learners(self) -> frozenset[str]:
        return frozenset(name for model in self.plan.models if (name := learner(model)))


def prepare_stream(
    paths: Sequence[Path], options: Options, *, root: Path | None = None, environ: Mapping[str, str]
) -> StreamPlan:
    """Read and check the project that ``paths`` belong to; raises as `prepare.prepare` does."""
    _refuse_options(options)
    file = found_project(paths, options, root=root)
    loaded, streams = load_streams(file, policy_file=options.policy, environ=environ)
    plan = plan_of(loaded, options, project_file=file)
    _refuse_many(plan)
    _refuse_judges(plan)
    _refuse_conversations(streams)
    values = {value for stream in streams for value in stream.values}
    if len(values) > MOST_SLICES:
        raise SetupError(
            f"slices with at most {MOST_SLICES:,} different values in all, with --stream",
            got=f"more, such as {max(values)[1]} of {max(values)[0]}",
            instead="slices by what cases have in common",
        )
    return StreamPlan(
        plan,
        {stream.suite.name: stream for stream in streams},
        limit=options.limit,
        only=frozenset(suite.name for suite in plan.suites),
    )


def _refuse_options(options: Options) -> None:
    for name, chosen in (("--aa", options.aa), ("--stop-early", options.stop_early)):
        if chosen:
            raise SetupError(
                "cases that are asked once and in the order of their files, with --stream",
                got=name,
                instead=f"one of the two; without --stream, {name} takes 4 KiB of memory a case",
            )


def _refuse_many(plan: Plan) -> None:
    pairs, names = plan.project.comparisons, tuple(model.name for model in plan.models)
    if len(pairs) == 1 and len(names) == 2:
        return
    pair = pairs[0]
    raise SetupError(
        "one base and one candidate, with --stream",
        got="models " + ", ".join(names),
        instead=f"--models {pair.base},{pair.candidate}, and a run for each other one",
    )


def _refuse_conversations(streams: Iterable[CaseStream]) -> None:
    for where in filter(None, (stream.conversation for stream in streams)):
        raise conversation_refused(
            f"{where.path}:{where.line}",
            way="with --stream",
            instead="evalkit run without --stream for the suites with conversations",
        )


def _refuse_judges(plan: Plan) -> None:
    if plan.judges:
        graders = (f"{s.name}/{g.name}" for s in plan.suites for g in s.graders if g.type in JUDGES)
        raise SetupError(
            "graders that need no judge, with --stream",
            got=next(graders),
            instead="evalkit run without --stream for the suites with judges",
        )
