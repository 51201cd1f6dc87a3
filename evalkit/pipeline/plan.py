"""What a run will ask: the chosen models, the cases each of them gets, and the requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from evalkit.decide.policy import Policy
from evalkit.errors import SetupError
from evalkit.graders.registry import JUDGES, judge_of
from evalkit.model import (
    Case,
    Judge,
    Message,
    ModelSpec,
    Pair,
    Project,
    Request,
    Sampling,
    Suite,
)
from evalkit.pipeline.options import Options
from evalkit.runner import Ask

FREE = frozenset({"local", "scripted", "replay"})
"""Clients that nobody is paid for."""

Selected = frozenset[tuple[str, str]]
"""(suite, case id) of every case that is asked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is settled before the first call.

    ``project`` and ``suites`` hold only what takes part; ``limited`` says why the plan is smaller
    than the project, in words, and is empty when it is not. ``aa``: the base is asked every
    held-out case a second time; ``again``: (suite, case id) of those it was asked a second time
    before, which costs nothing to compare. ``stop_early``: a suite is asked only until it is
    settled.
    """

    project: Project
    suites: tuple[Suite, ...]
    policy: Policy
    digests: Mapping[str, str]
    project_file: Path
    limited: str = ""
    aa: bool = False
    again: Selected = frozenset()
    stop_early: bool = False

    def suite(self, name: str) -> Suite:
        """Return the suite called ``name``."""
        return next(s for s in self.suites if s.name == name)

    def path_of(self, suite: Suite) -> Path:
        """Return the resolved path of a suite's file; of a pack that of the project file."""
        return self.project_file if suite.pack else Path(suite.source.path).resolve()

    def place_of(self, suite: Suite, name: str) -> tuple[Path, str]:
        """Return the file and the rest of the node id of an item ``name`` of a suite."""
        return self.path_of(suite), f"{suite.pack}::{name}" if suite.pack else name

    def suites_at(self, path: Path) -> tuple[Suite, ...]:
        """Return the suites in the file or folder ``path``; raise `SetupError` if it has none.

        The project file stands for all of them.
        """
        at = path.resolve()
        if at == self.project_file:
            return self.suites
        found = tuple(suite for suite in self.suites if self.path_of(suite).is_relative_to(at))
        if not found:
            raise SetupError(
                "the file of a suite, or a folder with suites",
                got=f"{path}, where there is none",
                instead="one of: " + ", ".join(suite.source.path for suite in self.suites),
            )
        return found

    @property
    def asks_more(self) -> bool:
        """Whether some of what is asked follows from answers: by judges, or in conversations."""
        return bool(self.judges) or any(case.turns for s in self.suites for case in s.cases)

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The models that take part, in the project's order."""
        return tuple(self.project.models.values())

    @property
    def judges(self) -> dict[str, Judge]:
        """The judges of the project that a suite of the plan asks, by name."""
        return judges_of(self.project, self.suites)

    @property
    def with_judges(self) -> Project:
        """The project with its judges among its models."""
        return replace(self.project, models={model.name: model for model in self.asked})

    @property
    def asked(self) -> tuple[ModelSpec, ...]:
        """Every model that is asked anything: those that take part, and those that judge them."""
        return (*self.models, *(judge.model for judge in self.judges.values()))


def narrow(
    project: Project, suites: Iterable[Suite], options: Options
) -> tuple[Project, tuple[Suite, ...]]:
    """Return project and suites with only what ``options`` chooses.

    Train cases stay only where one of the chosen candidates was trained on them.
    """
    chosen = choose_models(project, options.models)
    pairs = choose_pairs(project, chosen) if options.models else project.comparisons
    narrowed = replace(
        project,
        models={n: m for n, m in project.models.items() if n in chosen},
        comparisons=pairs,
        budget=options.budget.over(project.budget),
    )
    learners = {n for m in narrowed.models.values() if (n := learner(m))}
    found = tuple(_narrow_suite(s, learners, options) for s in suites)
    judges = judges_of(narrowed, found).values()
    _check_prices(narrowed, [*narrowed.models.values(), *(judge.model for judge in judges)])
    return narrowed, found


def judges_of(project: Project, suites: Iterable[Suite]) -> dict[str, Judge]:
    """Return the judges of ``project`` that one of ``suites`` asks, by name."""
    graders = [grader for suite in suites for grader in suite.graders]
    names = dict.fromkeys(judge_of(g) for g in graders if g.type in JUDGES)
    return {name: project.judges[name] for name in names}


def _check_prices(project: Project, models: Iterable[ModelSpec]) -> None:
    """Refuse a limit of money that a model would never count towards."""
    unpriced = [m.name for m in models if m.client not in FREE and m.price is None]
    if project.budget.money is not None and unpriced:
        raise SetupError(
            "a price of every model, as the budget has a limit of money",
            got="none of " + ", ".join(unpriced),
            instead="price: {input: 0.4, output: 1.6} in the project file (0 where it costs "
            "nothing), or a limit of requests or tokens",
        )


def choose_models(project: Project, patterns: tuple[str, ...]) -> frozenset[str]:
    """Return the models that take part by name; raise `SetupError` for a pattern without any."""
    if not patterns:
        return frozenset(
            name for pair in project.comparisons for name in (pair.base, pair.candidate)
        )
    chosen: set[str] = set()
    for pattern in patterns:
        found = {name for name in project.models if fnmatchcase(name, pattern)}
        if not found:
            raise SetupError(
                "names or patterns of models in the project",
                got=f"'{pattern}', which matches none of them",
                instead="one or more of: " + ", ".join(project.models),
            )
        chosen |= found
    return frozenset(chosen)


def choose_pairs(project: Project, chosen: frozenset[str]) -> tuple[Pair, ...]:
    """Return the comparisons among the chosen models.

    A chosen candidate that no comparison of the project names is compared with the chosen base.
    """
    pairs = [p for p in project.comparisons if p.base in chosen and p.candidate in chosen]
    compared = {p.candidate for p in pairs}
    bases = [m.name for m in project.models.values() if m.role == "base" and m.name in chosen]
    for model in project.models.values():
        if model.role == "candidate" and model.name in chosen - compared:
            pairs += [Pair(base, model.name) for base in bases[:1]]
    if not pairs:
        raise SetupError(
            "a base and a candidate to compare",
            got="models " + ", ".join(sorted(chosen)),
            instead="name one model of role base and one of role candidate",
        )
    return tuple(pairs)


def learner(model: ModelSpec) -> str | None:
    """Return the candidate whose training file ``model`` has seen, if any."""
    if model.role == "candidate":
        return model.name
    return model.of if model.role == "checkpoint" else None


def _narrow_suite(suite: Suite, learners: set[str], options: Options) -> Suite:
    cases = [c for c in suite.cases if c.split == "heldout" or c.trained & learners]
    if options.limit is not None:
        cases = cases[: options.limit]
    sampling = suite.sampling
    if options.samples is not None:
        sampling = replace(sampling, samples=options.samples)
    return replace(suite, cases=tuple(cases), sampling=sampling)


def asks(plan: Plan, suite: Suite, case: Case) -> tuple[Ask, ...]:
    """Return what is asked first for a case: each model that the case concerns, each sample.

    The base answers every case; a model that learned from another file is not asked the train
    cases of this one. Samples beyond the suite's are those of the A/A comparison.
    """
    samples = suite.sampling.samples
    return tuple(
        Ask(model.name, request(suite, case, sample))
        for model in plan.models
        if concerns(case, model)
        for sample in range(2 * samples if _twice(plan, case, model) else samples)
    )


def _twice(plan: Plan, case: Case, model: ModelSpec) -> bool:
    wanted = plan.aa or (case.suite, case.id) in plan.again
    return wanted and model.role == "base" and case.split == "heldout"


def concerns(case: Case, model: ModelSpec) -> bool:
    """Return whether ``model`` is asked ``case``."""
    return case.split == "heldout" or model.role == "base" or learner(model) in case.trained


def request(suite: Suite, case: Case, sample: int) -> Request:
    """Return the request of one sample of one case."""
    extra = {**suite.sampling.extra, **case.extra}
    return drawn(case.messages, suite.sampling, sample, extra=extra)


def drawn(
    messages: Iterable[Message], sampling: Sampling, sample: int, *, extra: Mapping[str, Any]
) -> Request:
    """Return the request of one sample; each has a seed of its own, or they would be equal.

    ``extra`` takes the place of the sampling's; ``null`` among it takes a field out.
    """
    body = {
        "messages": list(messages),
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
        **extra,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed + sample
    return Request({name: value for name, value in body.items() if value is not None}, sample)
