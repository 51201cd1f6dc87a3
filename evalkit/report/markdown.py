"""The decision as Markdown for a pull request: an alert, the lists, a table; no model's answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evalkit.decide.decision import Outcome
from evalkit.report.judges import Judges
from evalkit.report.metrics import brief
from evalkit.report.numerals import count
from evalkit.report.safe import one_line
from evalkit.report.summary import Line
from evalkit.report.tables import Table
from evalkit.report.view import CandidateView, View

LIMIT = 60_000
"""Characters: GitHub refuses comments of more than 65,536."""

MARKER = "<!-- evalkit -->"
"""By which a later run finds its comment and replaces it."""

_ALERTS: dict[Outcome, str] = {
    "promote": "TIP",
    "do_not_promote": "CAUTION",
    "not_enough_evidence": "WARNING",
    "incomplete": "IMPORTANT",
}
_SPECIAL = re.compile(r"([\\`*_\[\]|~]|^[#>+-])")
_LINKING = re.compile(r"([@#]|://|www)(?=[\w.])")
_MOST_IDS = 20
_CUT = "\n*Cut here: the report has the rest.*\n"


def render_markdown(view: View) -> str:
    """Return the summary in at most `LIMIT` characters; what does not fit is in the report."""
    kept: list[str] = []
    room = LIMIT - len(_CUT)
    for part in _parts(view):
        room -= len(part) + 1
        if room < 0:
            return "\n".join([*kept, _CUT])
        kept.append(part)
    return "\n".join(kept) + "\n"


def _parts(view: View) -> Iterator[str]:
    """Yield the summary in parts that may be cut between but not within."""
    yield MARKER
    yield f"> [!{_ALERTS[view.overall.key]}]"
    yield f"> **{view.overall.title}.** {_plain(view.overall.deck)}"
    yield from (f"\n**Note.** {_plain(warning)}" for warning in view.warnings)
    for candidate in view.candidates:
        yield from _candidate(candidate, alone=len(view.candidates) == 1)
    if view.judges:
        yield from _judges(view.judges)
    yield ""
    yield f"<sub>Run {_code(view.run_id)}, {view.created}; {view.size}.</sub>"


def _candidate(candidate: CandidateView, *, alone: bool) -> Iterator[str]:
    found = candidate.summary
    if not alone:
        yield f"\n## {_plain(candidate.candidate)}: {found.title.lower()}"
    yield ""
    yield from (f"{_plain(reason)}\n" for reason in found.reasons)
    yield from (f"{_plain(line)}\n" for line in (found.settled, found.checkpoint) if line)
    if found.caveat:
        yield f"*{found.caveat}*\n"
    yield from _list("Got worse", found.worse, "Nothing that this run can show.")
    yield from _list("Got better", found.better, "Nothing that this run can show.")
    yield from _list("We cannot tell", found.unknown, "Nothing was left open.")
    if found.held:
        yield from _list("Kept its level", found.held, "")
    yield from _table(candidate.changes.table)
    if candidate.changes.opinions:
        yield f"\nSecond opinions. {_plain(' '.join(candidate.changes.opinions))}"
    for suite in (found for found in candidate.changes.metrics if found.table.rows):
        yield f"\n**Beyond the mean** ({_plain(suite.suite)}; decides nothing)"
        yield from _table(brief(suite.table))
    if fairness := candidate.changes.fairness:
        told = _plain(" ".join(fairness.sentences))
        yield f"\n**Are the terms treated alike?** (decides nothing) {told}"
    if candidate.overfitting.findings:
        yield "\n**Overfitting**\n"
        yield from (f"- {_plain(finding)}" for finding in candidate.overfitting.findings)
    yield "\n**What to do next**\n"
    yield from (f"1. {_plain(step.text)}" for step in found.steps)
    yield from _broken(candidate)


def _judges(judges: Judges) -> Iterator[str]:
    yield "\n**Judges**\n"
    yield from (f"- {_plain(note)}" for note in judges.notes)
    for table in judges.tables:
        yield from _table(table)
    for title, prompt in judges.prompts:
        quoted = "\n".join(f"    {line}" for line in prompt.splitlines())
        yield f"\n<details><summary>{_plain(title)}</summary>\n\n{quoted}\n\n</details>"


def _list(title: str, lines: Iterable[Line], empty: str) -> Iterator[str]:
    yield f"\n**{title}**\n"
    items = [f"- **{_plain(line.name)}** {_plain(line.text)}" for line in lines]
    yield from items or [f"- {empty}"]


def _table(table: Table) -> Iterator[str]:
    yield ""
    yield _row(column.name for column in table.columns)
    yield _row(("--:" if column.number else ":--") for column in table.columns)
    yield from (_row(_plain(cell) for cell in row) for row in table.rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _broken(candidate: CandidateView) -> Iterator[str]:
    broken = candidate.flips.broken
    if not broken:
        return
    number = sum(dict(row.counts)["broken"] for row in candidate.flips.churn)
    names = [
        f"- {_code(f'{c.suite}/{c.id}')}{' critical' * c.critical}" for c in broken[:_MOST_IDS]
    ]
    title = f"Broken cases, {len(names)} of {count(number)}"
    yield "\n".join([f"\n<details><summary>{title}</summary>\n", *names, "\n</details>"])


def _plain(text: str) -> str:
    """Return ``text`` so that Markdown shows it as it is: no markup, no link, no mention."""
    escaped = _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
    return _LINKING.sub(r"\1<!-- -->", escaped)


def _code(text: str) -> str:
    """Return ``text`` as a code span, which shows everything as it is but a backtick."""
    plain = one_line(text).replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}")
    return f"`{plain}`"
