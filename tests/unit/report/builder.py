"""Made-up runs that hang together: answers drawn by a plan, decided by `evalkit.decide`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from evalkit.decide import Decision, Policy, RunData, SuiteRule, decide
from evalkit.model import (
    Case,
    Failure,
    Grade,
    GraderSpec,
    Manifest,
    ModelFacts,
    ModelSpec,
    Pair,
    Project,
    Purpose,
    Record,
    Reply,
    Role,
    Sampling,
    Source,
    Suite,
    TrainingPoint,
    Ungraded,
)

CATEGORIES = ("billing", "account", "bug", "delivery", "feature", "question")
PRIORITIES = ("low", "medium", "high")
SYSTEM = (
    "Triage the ticket. Answer in JSON: category (billing, account, bug, delivery, feature, "
    "question), priority (low, medium, high)."
)
TICKETS = (
    "I cancelled {p}, but the subscription fee was taken again. It slows us down.",
    "Where in {p} can I find the monthly report? Thanks, Pavel",
    "{p} freezes when two people edit the same page. We cannot work until this is solved.",
    "I lost my phone and with it the sign-in codes for {p}. Best wishes, Farah",
    "The parcel with the {p} reader has not arrived; the tracking page has said Lyon for a week.",
    "Could {p} show the totals by month as well? There is no hurry at all.",
)
PRODUCTS = ("Orchard", "Kettle", "Lumen", "Quill", "Ledgerly", "Pinwheel", "Gecko", "Bluebird Home")
QUESTIONS = (
    ("What is the capital of Canada?", "Ottawa", "Toronto"),
    ("Which planet is the largest?", "Jupiter", "Saturn"),
    ("How many sides has a hexagon?", "6", "8"),
    ("Who painted the Night Watch?", "Rembrandt", "Vermeer"),
    ("What gas do plants take in?", "Carbon dioxide", "Oxygen"),
    ("In which year did the first person walk on the Moon?", "1969", "1972"),
)
HOSTILE = (
    "</script><script>document.title='taken'</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) <a href='javascript:alert(1)'>x</a>",
    "safe \u202etxt.exe\u202c and \u2066isolated\u2069",
    "bell \x07 escape \x1b[31mred\x1b[0m null \x00 delete \x7f",
    '" onmouseover="alert(1)" style="position:fixed',
    "zero\u200bwidth, tag\U000e0041, half \ud83d a character",
    "{{ 7 * 7 }} {% raw %} ${7*7} <!-- --> ]]> &amp; &lt;",
    "| a | b |\n|---|---|\n```\n@everyone #1 **bold**",
    "line\u2028separator and \x85 next line",
)


@dataclass(frozen=True)
class SuitePlan:
    """A suite to make: how many cases, how many of them the base answers right.

    ``train`` is the number of training cases of each candidate; every fourth case is German when
    ``sliced``.
    """

    name: str
    purpose: Purpose
    n: int
    right: float
    margin: float = 0.02
    train: int = 0
    critical: int = 0
    sliced: bool = False


@dataclass(frozen=True)
class Move:
    """What a model does to a suite: shares of the base's wrong cases fixed and right ones broken.

    ``lost`` and ``ungraded`` count held-out cases without an answer or without a grade.
    """

    fixed: float
    broken: float
    train_fixed: float = 0.0
    german_broken: float | None = None
    lost: int = 0
    ungraded: int = 0


@dataclass(frozen=True)
class ModelPlan:
    """A model to make; a checkpoint names its candidate and its step."""

    name: str
    moves: Mapping[str, Move]
    of: str | None = None
    step: int | None = None

    @property
    def learner(self) -> str:
        """The candidate whose training cases this model has seen."""
        return self.of or self.name


@dataclass(frozen=True)
class MadeRun:
    """What `build_view` takes."""

    decision: Decision
    manifest: Manifest
    suites: tuple[Suite, ...]
    records: tuple[Record, ...]
    project: Project = field(repr=False)


def make_run(
    suites: Sequence[SuitePlan],
    models: Sequence[ModelPlan],
    *,
    training: Mapping[str, tuple[TrainingPoint, ...]] | None = None,
    seed: int = 4,
) -> MadeRun:
    """Return a run of the base and ``models`` on ``suites``, decided without a policy file."""
    candidates = [m.name for m in models if m.of is None]
    made = tuple(_suite(plan, candidates) for plan in suites)
    records = tuple(
        r for s, p in zip(made, suites, strict=True) for r in _answers(s, p, models, seed)
    )
    project = _project(models)
    rules = {p.name: SuiteRule(min_gain=0.03) for p in suites if p.purpose == "target"}
    policy = Policy(suites=rules, digest="b5d4045c" * 8)
    return MadeRun(
        decide(RunData(project, made, records), policy),
        _manifest(records, project, training or {}),
        made,
        records,
        project,
    )


def _suite(plan: SuitePlan, candidates: Sequence[str]) -> Suite:
    cases = [_case(plan, f"heldout-{i + 1:03d}", i) for i in range(plan.n)]
    for name in candidates:
        cases += [
            _case(plan, f"{name}-train-{i + 1:03d}", i, learner=name) for i in range(plan.train)
        ]
    return Suite(
        name=plan.name,
        purpose=plan.purpose,
        cases=tuple(cases),
        graders=(GraderSpec("match", "json_match", {}, Source("suites/x.yaml", 9)),),
        score="match",
        sampling=Sampling(),
        margin=plan.margin,
        digest="9c1185a5c5e9fc54612808977ee8f548b2258d31",
    )


def _case(plan: SuitePlan, name: str, number: int, *, learner: str = "") -> Case:
    language = "de" if plan.sliced and number % 4 == 0 else "en"
    messages, expected = _question(plan.name, number)
    return Case(
        plan.name,
        name,
        messages,
        expected=expected,
        split="train" if learner else "heldout",
        trained=frozenset({learner} if learner else ()),
        critical=not learner and number < plan.critical,
        slices={"language": language} if plan.sliced else {},
    )


def _question(suite: str, number: int) -> tuple[tuple[dict[str, str], ...], object]:
    if suite in ("general", "facts"):
        ask, good, _ = QUESTIONS[number % len(QUESTIONS)]
        return ({"role": "user", "content": f"{ask} ({number})"},), [good]
    text = TICKETS[number % 6].format(p=f"{PRODUCTS[number % len(PRODUCTS)]} {number}")
    expected = {"category": CATEGORIES[number % 6], "priority": PRIORITIES[number % 3]}
    return ({"role": "system", "content": SYSTEM}, {"role": "user", "content": text}), expected


def _answers(
    suite: Suite, plan: SuitePlan, models: Sequence[ModelPlan], seed: int
) -> Iterator[Record]:
    rng = Random(f"{seed} {suite.name}")  # noqa: S311  (made-up answers)
    for number, case in enumerate(suite.cases):
        right = rng.random() < plan.right
        yield _record(case, "base", number, right=right)
        for model in models:
            if case.split == "heldout" or model.learner in case.trained:
                move = model.moves[suite.name]
                moved = _moved(case, move, right=right, draw=rng.random())
                yield _spoiled(_record(case, model.name, number, right=moved), move, number)


def _moved(case: Case, move: Move, *, right: bool, draw: float) -> bool:
    if case.split == "train":
        return right or draw < move.train_fixed
    if not right:
        return draw < move.fixed
    german = case.slices.get("language") == "de" and move.german_broken is not None
    return draw >= (move.german_broken or 0.0 if german else move.broken)


def _record(case: Case, model: str, number: int, *, right: bool) -> Record:
    grade = Grade(float(right), right, "" if right else "category differs from the expected one")
    reply = Reply(_text(case, number, right=right), model=f"org/{model}")
    if not right and model != "base":
        reply = Reply(reply.text.replace("}", " }"), model=reply.model)
    return Record(case.suite, case.id, model, 0, reply, {"match": grade}, grade.score)


def _text(case: Case, number: int, *, right: bool) -> str:
    if case.suite in ("general", "facts"):
        return QUESTIONS[number % len(QUESTIONS)][1 if right else 2]
    category = CATEGORIES[(number + (0 if right else 2)) % 6]
    return json.dumps({"category": category, "priority": PRIORITIES[number % 3]})


def _spoiled(record: Record, move: Move, number: int) -> Record:
    head = (record.suite, record.case, record.model, 0)
    if record.case.startswith("heldout") and number < move.lost:
        return Record(*head, Failure("timeout", "no answer within 120 s", tries=5))
    if record.case.startswith("heldout") and number < move.lost + move.ungraded:
        return Record(*head, record.outcome, {"match": Ungraded("the pattern ran for over 1 s")})
    return record


def _project(models: Sequence[ModelPlan]) -> Project:
    specs = {"base": ModelSpec("base", "base", "local", "smollm2-135m-instruct")}
    for m in models:
        role: Role = "checkpoint" if m.of else "candidate"
        model = f"smollm2-135m-instruct + {m.name}.gguf"
        specs[m.name] = ModelSpec(m.name, role, "local", model, of=m.of, step=m.step)
    pairs = tuple(Pair("base", m.name) for m in models if m.of is None)
    return Project(Path("/suites"), specs, pairs)


def _manifest(
    records: Sequence[Record], project: Project, training: Mapping[str, tuple[TrainingPoint, ...]]
) -> Manifest:
    return Manifest(
        run_id="20261124T093211Z-7f3a91",
        created="2026-11-24T09:32:11Z",
        seconds=212.4,
        versions={"evalkit": "0.1.0", "python": "3.11.7", "scipy": "1.17.0", "openai": "3.54.0"},
        digests={"suite:triage": "3f79bb7b" * 8, "training:train.jsonl": "4e074085" * 8},
        models=tuple(_facts(spec, records) for spec in project.models.values()),
        training=training,
    )


def _facts(spec: ModelSpec, records: Sequence[Record]) -> ModelFacts:
    mine = [r for r in records if r.model == spec.name]
    errors = sum(isinstance(r.outcome, Failure) for r in mine)
    return ModelFacts(
        name=spec.name,
        role=spec.role,
        client=spec.client,
        model=spec.model,
        identity=f"sha256:{spec.name}",
        answers=len(mine) - errors,
        asked=0 if spec.role == "base" else len(mine),
        errors=errors,
        input_tokens=61 * len(mine),
        output_tokens=12 * len(mine),
        cost=None if spec.role == "base" else 0.41,
        median_latency_s=0.12,
    )


def loss_log(last: int, floor: float) -> tuple[TrainingPoint, ...]:
    """Return a training log whose loss falls towards ``floor``; evaluation loss turns up again."""
    steps = range(0, last + 1, max(last // 24, 1))
    return tuple(
        TrainingPoint(
            step,
            loss=floor + (2.3 - floor) / (1 + 6 * step / last) + 0.05 * ((step * 7) % 5) / 5,
            eval_loss=1.9 / (1 + 4 * step / last) + 0.7 + 0.5 * (step / last) ** 2
            if step % (last // 6) == 0
            else None,
        )
        for step in steps
    )
