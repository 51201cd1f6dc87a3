"""The first screen of one candidate: why, what got worse and better, how sure, what next."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.decide.decision import ComparisonDecision, SliceResult, SuiteResult
from evalkit.report.advice import Step, next_steps
from evalkit.report.checkpoints import checkpoint_line
from evalkit.report.early import not_asked, settled_words
from evalkit.report.numerals import count, decimals, many, points, typeset
from evalkit.report.safe import one_line
from evalkit.report.words import OUTCOMES, VERDICTS, Tone, ZoneKey, phrase

MOST_REASONS = 3
_MOST_SLICES = 3
_DOUBT = "the interval shows a change, but the exact test does not, so none is claimed"
_CAVEAT = "What follows is read from the answers that came. It decides nothing."
_SCORES_CAVEAT = "What follows is read from the scores that are there. It decides nothing."
_ZONES: tuple[ZoneKey, ...] = ("worse", "better", "unknown", "held")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list of findings: a suite (or a slice of one) and what happened to it."""

    glyph: str
    tone: Tone
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A number and what it counts."""

    figure: str
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One candidate's first screen, in words.

    ``beside`` is what no reason for the decision says and no reader may miss: alarms, and what is
    open or missing.
    """

    title: str
    glyph: str
    tone: Tone
    deck: str
    reasons: tuple[str, ...]
    more_reasons: str
    settled: str
    checkpoint: str
    caveat: str
    worse: tuple[Line, ...]
    better: tuple[Line, ...]
    unknown: tuple[Line, ...]
    held: tuple[Line, ...]
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]
    beside: tuple[str, ...] = ()


def summarise(comparison: ComparisonDecision, *, alpha: float, partial: bool) -> Summary:
    """Return the first screen of ``comparison``."""
    words = OUTCOMES[comparison.outcome]
    lines = {zone: _lines(comparison, zone) for zone in _ZONES}
    return Summary(
        title=words.title,
        glyph=words.glyph,
        tone=words.tone,
        deck=words.deck.format(
            base=one_line(comparison.base, 60), candidate=one_line(comparison.candidate, 60)
        ),
        reasons=tuple(typeset(one_line(r, 400)) for r in comparison.reasons[:MOST_REASONS]),
        more_reasons=_more(len(comparison.reasons) - MOST_REASONS),
        settled=settled_words(comparison),
        checkpoint=checkpoint_line(comparison),
        caveat=_caveat(comparison),
        worse=lines["worse"],
        better=lines["better"],
        unknown=lines["unknown"],
        held=lines["held"],
        facts=_facts(comparison, alpha),
        steps=next_steps(comparison, partial=partial),
        beside=_beside(comparison),
    )


def _caveat(comparison: ComparisonDecision) -> str:
    if comparison.outcome != "incomplete":
        return ""
    return _CAVEAT if comparison.identity else _SCORES_CAVEAT


def _more(left: int) -> str:
    return f"{many(left, 'more reason')} in the rules of the gate." if left > 0 else ""


def _lines(comparison: ComparisonDecision, zone: ZoneKey) -> tuple[Line, ...]:
    lines = [_line(s) for s in comparison.suites if VERDICTS[s.verdict].zone == zone]
    if zone == "worse":
        lines += slice_lines(comparison)
    if zone == "unknown":
        lines += _unsure_lines(comparison)
    return tuple(lines)


def slice_lines(comparison: ComparisonDecision) -> tuple[Line, ...]:
    """Return a line for each suite with alarming slices."""
    return tuple(_slices_line(s) for s in comparison.suites if any(p.alarm for p in s.slices))


def noise_line(comparison: ComparisonDecision) -> str:
    """Return how many cases flip between two runs of the base; empty if it was asked once."""
    found = [s.noise for s in comparison.suites if s.noise and s.noise.flips is not None]
    if not found:
        return ""
    flipped = sum(round(noise.n * (noise.flips or 0.0)) for noise in found)
    cases = many(sum(noise.n for noise in found), "case")
    return f"Asked twice, the base alone flipped {count(flipped)} of {cases}."


def _beside(comparison: ComparisonDecision) -> tuple[str, ...]:
    lines = (
        *slice_lines(comparison),
        *_unsure_lines(comparison),
    )
    gaps = (g.why for g in comparison.gates if g.kind == "overfitting" and g.status == "reported")
    return (
        *(f"{line.glyph} {line.name}: {line.text}" for line in lines),
        *(f"? {typeset(one_line(why, 400))}" for why in gaps),
        *filter(None, [noise_line(comparison)]),
    )


def _unsure_lines(comparison: ComparisonDecision) -> tuple[Line, ...]:
    """Return what takes away from a verdict that reads as if all were well."""
    return (
        *_missing_lines(comparison),
        *_doubtful_lines(comparison),
        *_floor_lines(comparison),
    )


def _floor_lines(comparison: ComparisonDecision) -> tuple[Line, ...]:
    """Return a line for each guard whose base has no more to lose than the margin allows."""
    return tuple(
        Line(
            "?",
            "unsure",
            one_line(s.suite, 60),
            f"the base scores {points(s.base_mean)}, no more than the margin of "
            f"{points(s.margin)} points: no loss could show.",
        )
        for s in comparison.suites
        if s.rule == "non_inferior" and s.verdict == "non_inferior"
        if s.base_mean is not None and s.base_mean <= s.margin
    )


def _missing_lines(comparison: ComparisonDecision) -> tuple[Line, ...]:
    """Return a line for each suite that lacks scores, unless its verdict says so."""
    return tuple(
        Line("?", "unsure", one_line(result.suite, 60), _missing(result))
        for result in comparison.suites
        if (result.n < result.expected_cases or result.errors or result.ungraded)
        and not (result.verdict == "inconclusive" and result.bounds and result.bounds.decisive)
    )


def _doubtful_lines(comparison: ComparisonDecision) -> tuple[Line, ...]:
    """Return a line for each suite whose interval shows a change that the exact test does not."""
    return tuple(
        Line("?", "unsure", one_line(s.suite, 60), f"{_DOUBT} (p = {decimals(s.p_exact, 3)}).")
        for s in comparison.suites
        if s.interval is not None and s.p_exact is not None
        if s.interval.low * s.interval.high > 0 and s.p_exact > 1 - s.interval.level
        if s.verdict in ("non_inferior", "inconclusive")
    )


def _missing(result: SuiteResult) -> str:
    missing = result.expected_cases - result.n
    kinds = ((result.errors, "failed"), (result.ungraded, "not graded"))
    told = ", ".join(f"{count(number)} {kind}" for number, kind in kinds if number)
    known = f" ({told})" if told else ""
    of = many(result.expected_cases, "case")
    if not missing:
        return f"some of {of} lack one of their samples{known}."
    verb = "has" if missing == 1 else "have"
    return f"{count(missing)} of {of} {verb} no score of both models{known}."


def _line(result: SuiteResult) -> Line:
    words = VERDICTS[result.verdict]
    return Line(words.glyph, words.tone, one_line(result.suite, 60), typeset(phrase(result)))


def _slices_line(result: SuiteResult) -> Line:
    """Return one line for all alarming slices of a suite, the worst of them named."""
    found = sorted((p for p in result.slices if p.alarm), key=lambda p: p.difference)
    named = [_slice_words(part) for part in found[:_MOST_SLICES]]
    more = (
        f" and {many(len(found) - _MOST_SLICES, 'more slice')}" if len(found) > len(named) else ""
    )
    name = f"{one_line(result.suite, 60)}, {'slice' if len(found) == 1 else 'slices'}"
    return Line("▼", "unsure", name, f"{', '.join(named)}{more}.")


def _slice_words(part: SliceResult) -> str:
    field = part.field.removeprefix("tags.").removeprefix("vars.")
    where = one_line(f"{field} {part.value}", 60)
    return f"{where} {points(-part.difference)} points lower ({many(part.n, 'case')})"


def _may_hide(result: SuiteResult) -> bool:
    """Return whether what a suite could not have shown matters: not where a change was shown."""
    return result.purpose != "report" and result.verdict in ("non_inferior", "inconclusive")


def _facts(comparison: ComparisonDecision, alpha: float) -> tuple[Fact, ...]:
    suites = comparison.suites
    answered, expected = sum(s.n for s in suites), sum(s.expected_cases for s in suites)
    compared = "were answered and graded for both models, so each case is compared with itself."
    if comparison.identity is None:
        compared = "have a score of both models, so each case is compared with itself."
    facts = [Fact(count(answered), f"of {count(expected)} cases", compared)]
    if left := not_asked(comparison):
        unit = "case not asked" if left == 1 else "cases not asked"
        facts.append(Fact(count(left), unit, settled_words(comparison)))
    weakest = max(
        (s for s in suites if s.smallest_margin is not None and _may_hide(s)),
        key=lambda s: s.smallest_margin or 0.0,
        default=None,
    )
    if weakest is not None:
        facts.append(
            Fact(
                points(weakest.smallest_margin),
                "points",
                "is the smallest change that would show in the least certain suite, "
                f"{one_line(weakest.suite, 60)} with {many(weakest.n, 'case')}.",
            )
        )
    chance = decimals(100 * alpha, 0 if float(100 * alpha).is_integer() else 1)
    facts.append(
        Fact(
            f"{chance} %",
            "risk at most",
            "that a suite passes although its true loss is right at the limit.",
        )
    )
    return tuple(facts)
