"""A forecast for a terminal: what each suite can show, and how each verdict would come about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.decide.forecast import Forecast
from evalkit.report.numerals import ABSENT, count, points, trimmed
from evalkit.report.safe import one_line, shorten
from evalkit.report.tables import plain_rows

_HEAD = ("suite", "must", "cases", "flips", "sees", "needs", "passes", "falsely")
_ODDS_HEAD = ("if it", "better", "held", "within", "worse?", "worse", "can't tell")
_NAME = 14


def render_foresight(suites: Sequence[Forecast]) -> str:
    """Return the forecasts of ``suites`` in lines of at most 80 characters."""
    lines = [*plain_rows([_HEAD, *(_row(s) for s in suites)]), "", *_LEGEND]
    for suite in suites:
        lines += ["", *_suite(suite)]
    return "\n".join(lines) + "\n"


_LEGEND = (
    "flips    share of cases that change (for scores: variance of a difference)",
    "sees     smallest loss, in points, that the cases rule out with 80 % power",
    "needs    cases to pass with 80 % power if nothing changed; a target, if it gains",
    "         twice what is asked, or its margin where any gain will do",
    "passes   chance that the cases there are pass if so",
    "falsely  chance to pass exactly at the limit, where it should not",
)


def _row(suite: Forecast) -> tuple[str, ...]:
    return (
        shorten(one_line(suite.suite, 60), _NAME),
        _must(suite),
        count(suite.n),
        f"{points(suite.flips)} %" if suite.clusters is None else points(suite.flips),
        points(suite.smallest_margin),
        ABSENT if suite.needed is None else count(suite.needed),
        _percent(suite.likely),
        _percent(suite.falsely),
    )


def _must(suite: Forecast) -> str:
    if suite.rule == "superior":
        return f"gain >{trimmed(suite.min_gain)}" if suite.min_gain else "gain"
    if suite.rule == "report":
        return "report"
    sign = "±" if suite.rule == "equivalent" else "-"
    return f"hold {sign}{trimmed(suite.margin)}"


def _suite(suite: Forecast) -> Iterator[str]:
    yield f"{one_line(suite.suite, 60)}: {suite.assumed}"
    rows = [
        (
            _truth(odds.difference),
            *(
                _percent(share)
                for share in (
                    odds.improved,
                    odds.non_inferior,
                    odds.regressed_within_margin,
                    odds.regressed,
                    odds.regressed_beyond_margin,
                    odds.inconclusive,
                )
            ),
        )
        for odds in suite.odds
    ]
    yield from (f"  {line}" for line in plain_rows([_ODDS_HEAD, *rows]))
    if suite.note:
        yield f"  {suite.note}"


def _truth(difference: float) -> str:
    if not difference:
        return "is unchanged"
    return f"{'gained' if difference > 0 else 'lost'} {trimmed(abs(difference))}"


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{points(share, 0)} %"
