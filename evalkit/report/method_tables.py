"""The tables of the method section: rules, tests, suites, models, failures, digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evalkit.decide.decision import (
    ComparisonDecision,
    Decision,
    Gate,
    IdentityResult,
    Noise,
    SuiteResult,
)
from evalkit.model import Failure, Manifest, ModelFacts, Record, Suite
from evalkit.report.early import stopping_tables
from evalkit.report.numerals import (
    ABSENT,
    count,
    decimals,
    duration,
    money,
    percent,
    points,
    probability,
    short_digest,
    signed,
    span_plain,
    typeset,
)
from evalkit.report.repeated import repeats_tables
from evalkit.report.safe import one_line
from evalkit.report.second_opinions import opinion_tables
from evalkit.report.tables import Column, Table


def wide_tables(
    decision: Decision, manifest: Manifest, suites: Sequence[Suite], records: Sequence[Record]
) -> tuple[Table, ...]:
    """Return the tables that need the width of the page; failures only if there are any."""
    failures = _failures(records)
    return (
        *decision_tables(decision),
        _suites(suites, manifest),
        models_table(manifest.models),
        *([failures] if failures.rows else []),
    )


def decision_tables(decision: Decision) -> tuple[Table, ...]:
    """Return the wide tables of what was decided and by which tests."""
    return (
        *(table for c in decision.comparisons for table in _comparison_tables(decision, c)),
        *_noise(decision),
    )


def small_tables(
    decision: Decision, manifest: Manifest, counted: Sequence[tuple[str, str]]
) -> tuple[Table, ...]:
    """Return the tables of two columns; ``counted`` says how much the run is made of."""
    versions = sorted(manifest.versions.items())
    digests = sorted({"policy": decision.policy_digest, **manifest.digests}.items())
    return (
        _mapping("Run", ("Fact", "Value"), [*_run(manifest), *counted]),
        _mapping("Versions", ("Part", "Version"), versions),
        _mapping("Digests (SHA-256)", ("Of", "Digest"), digests, code=True),
    )


def _comparison_tables(decision: Decision, comparison: ComparisonDecision) -> Iterator[Table]:
    of = ""
    if len(decision.comparisons) > 1:
        of = f": {one_line(comparison.candidate, 60)} against {one_line(comparison.base, 60)}"
    yield Table(f"Rules of the gate{of}", _GATE_HEAD, tuple(_gate(g) for g in comparison.gates))
    yield Table(f"Tests{of}", _TEST_HEAD, tuple(_test(s) for s in comparison.suites))
    yield from opinion_tables(comparison, of)
    yield from stopping_tables(comparison, of)
    yield from repeats_tables(comparison, of)
    if comparison.identity:
        rows = (_identity(comparison.identity),)
        yield Table(f"Is the candidate the candidate?{of}", _IDENTITY_HEAD, rows)


_GATE_HEAD = (Column("Rule"), Column("Kind"), Column("Result"), Column("Why"))


def _gate(gate: Gate) -> tuple[str, ...]:
    return one_line(gate.name, 60), gate.kind, gate.status, typeset(one_line(gate.why, 400))


_TEST_HEAD = (
    Column("Suite"),
    Column("Rule"),
    Column("Expected", number=True),
    Column("Compared", number=True),
    Column("Clusters", number=True),
    Column("Errors", number=True),
    Column("Ungraded", number=True),
    Column("Test"),
    Column("Interval"),
    Column("p", number=True),
    Column("p, exact", number=True),
    Column("p, adjusted", number=True),
    Column("Smallest change", number=True),
    Column("Cases needed", number=True),
)


def _test(result: SuiteResult) -> tuple[str, ...]:
    return (
        one_line(result.suite, 60),
        result.rule.replace("_", " "),
        count(result.expected_cases),
        count(result.n),
        ABSENT if result.clusters is None else count(result.clusters),
        count(result.errors),
        count(result.ungraded),
        one_line(result.method, 120),
        one_line(result.interval.method, 80) if result.interval else ABSENT,
        probability(result.p_value),
        probability(result.p_exact),
        probability(result.p_adjusted),
        points(result.smallest_margin),
        ABSENT if result.cases_needed is None else count(result.cases_needed),
    )


_IDENTITY_HEAD = (
    Column("Answered as"),
    Column("Answers compared", number=True),
    Column("Different from base", number=True),
    Column("Result"),
)


def _identity(found: IdentityResult) -> tuple[str, ...]:
    said = "yes" if found.ok else "not shown"
    return (
        one_line(", ".join(found.answered_as), 200) or ABSENT,
        count(found.compared),
        count(found.different),
        one_line(f"{said}. {found.note}" if found.note else said, 300),
    )


_NOISE_HEAD = (
    Column("Suite"),
    Column("Cases", number=True),
    Column("Flips", number=True),
    Column("95 % interval", number=True),
    Column("Spread", number=True),
    Column("Change", number=True),
    Column("p", number=True),
    Column("p, exact", number=True),
    Column("Falsely worse", number=True),
    Column("Falsely stopped", number=True),
)


def _noise(decision: Decision) -> Iterator[Table]:
    """Yield the table of the base against itself, once for comparisons that share it."""
    found = {(c.base, s.suite): s.noise for c in decision.comparisons for s in c.suites if s.noise}
    if found:
        rows = tuple(_noise_cells(suite, noise) for (_, suite), noise in found.items())
        yield Table("Noise: the base asked twice", _NOISE_HEAD, rows)


def _noise_cells(suite: str, noise: Noise) -> tuple[str, ...]:
    ends = noise.flips_interval
    return (
        one_line(suite, 60),
        count(noise.n),
        percent(noise.flips),
        span_plain(ends.low, ends.high) if ends else ABSENT,
        points(noise.spread),
        signed(noise.difference),
        probability(noise.p_value),
        probability(noise.p_exact),
        percent(noise.false_regressed),
        percent(noise.false_refused),
    )


_SUITE_HEAD = (
    Column("Suite"),
    Column("Purpose"),
    Column("Held-out", number=True),
    Column("Training", number=True),
    Column("Critical", number=True),
    Column("Graders"),
    Column("Score"),
    Column("Samples", number=True),
    Column("Temperature", number=True),
    Column("Seed", number=True),
    Column("Digest", code=True),
)


def _suites(suites: Sequence[Suite], manifest: Manifest) -> Table:
    return Table("Suites", _SUITE_HEAD, tuple(_suite(s, manifest) for s in suites))


def _suite(suite: Suite, manifest: Manifest) -> tuple[str, ...]:
    train = sum(c.split == "train" for c in suite.cases)
    sampling = suite.sampling
    return (
        one_line(suite.name, 60),
        suite.purpose,
        count(len(suite.cases) - train),
        count(train),
        count(sum(c.critical for c in suite.cases)),
        one_line(", ".join(f"{g.name} ({g.type})" for g in suite.graders), 300),
        one_line(suite.score, 120),
        count(sampling.samples),
        f"{sampling.temperature:g}",
        ABSENT if sampling.seed is None else str(sampling.seed),
        short_digest(manifest.digests.get(f"suite:{suite.name}", suite.digest)),
    )


_MODEL_HEAD = (
    Column("Model"),
    Column("Role"),
    Column("Client"),
    Column("Asked as"),
    Column("Answers", number=True),
    Column("Asked now", number=True),
    Column("Errors", number=True),
    Column("Tokens in", number=True),
    Column("Tokens out", number=True),
    Column("Median time", number=True),
    Column("Cost", number=True),
)


def models_table(models: Sequence[ModelFacts]) -> Table:
    """Return who answered, how often, and what it took."""
    return Table("Models", _MODEL_HEAD, tuple(_model(m) for m in models))


def _model(model: ModelFacts) -> tuple[str, ...]:
    latency = model.median_latency_s
    return (
        one_line(model.name, 60),
        one_line(model.role, 20),
        one_line(model.client, 40),
        one_line(model.model, 120),
        count(model.answers),
        count(model.asked),
        count(model.errors),
        count(model.input_tokens),
        count(model.output_tokens),
        ABSENT if latency is None else f"{decimals(latency, 2)} s",
        money(model.cost),
    )


def _failures(records: Sequence[Record]) -> Table:
    found = Counter(
        (r.model, r.outcome.kind, one_line(r.outcome.message, 120))
        for r in records
        if isinstance(r.outcome, Failure)
    )
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:20]
    head = (Column("Model"), Column("Kind"), Column("Message"), Column("Answers", number=True))
    return Table(
        "Answers that never came",
        head,
        tuple((one_line(m, 60), k.replace("_", " "), why, count(n)) for (m, k, why), n in ordered),
    )


def _mapping(
    caption: str,
    head: tuple[str, str],
    items: Sequence[tuple[str, str]],
    *,
    code: bool = False,
) -> Table:
    rows = tuple((one_line(k, 120), one_line(v, 120)) for k, v in items)
    return Table(caption, (Column(head[0]), Column(head[1], code=code)), rows)


def _run(manifest: Manifest) -> list[tuple[str, str]]:
    return [
        ("Run", manifest.run_id),
        ("Made", manifest.created),
        ("Took", duration(manifest.seconds)),
    ]


def answers_counted(manifest: Manifest) -> list[tuple[str, str]]:
    """Return how many answers a run is made of."""
    asked, answers = (sum(getattr(m, k) for m in manifest.models) for k in ("asked", "answers"))
    return [("Answers", f"{count(answers)}, for {count(asked)} of which a call was made now")]
