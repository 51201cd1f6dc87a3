"""The report as one HTML file that opens offline, under a content policy that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from evalkit.report.caselist import STATUSES
from evalkit.report.changes import SIDES
from evalkit.report.charts.axis import WIDTHS
from evalkit.report.charts.churn import churn_chart
from evalkit.report.charts.curve import CurveChart, curve_chart
from evalkit.report.charts.dumbbell import dumbbell_chart
from evalkit.report.charts.intervals import interval_chart
from evalkit.report.embed import pack
from evalkit.report.learning import Learning
from evalkit.report.overfitting import GAP_SIDES
from evalkit.report.view import CandidateView, View

_HERE = Path(__file__).parent
Chart = TypeVar("Chart")


def render_html(view: View) -> str:
    """Return the report; equal views give equal text."""
    # jinja2 takes longer to load than a small project takes to collect.
    from evalkit.report.engine import fill

    style = _static("report.css") + _page_header(view)
    script = _static("report.js")
    values = {
        "view": view,
        "charts": {c.key: _charts(c) for c in view.candidates},
        "statuses": STATUSES,
        "policy": content_policy(style, script),
        "packed": pack(
            view.cases,
            [(c.base, c.candidate) for c in view.candidates],
            answers=view.has_answers,
            aside=bool(view.aside),
        ),
    }
    return fill("report.html.j2", values, trusted={"style": style, "script": script})


def content_policy(style: str, script: str) -> str:
    """Return the page's content security policy: its own style and script by their hashes."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_source_hash(script)}'",
            f"style-src '{_source_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _source_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _page_header(view: View) -> str:
    """Return the style of the printed pages' header: letters, digits and a few signs only."""
    words = re.sub(r"[^\w .:,-]", "", f"{view.overall.title} - run {view.run_id}, {view.created}")
    return f'@page {{ @top-left {{ content: "{words}"; }} }}\n'


@cache
def _static(name: str) -> str:
    return (_HERE / "static" / name).read_text(encoding="utf-8")


def _charts(candidate: CandidateView) -> Mapping[str, object]:
    """Return every chart of one candidate, laid out for each width of a page."""
    overfitting = candidate.overfitting
    return {
        "changes": _sized(lambda w: interval_chart(candidate.changes.chart, SIDES, w)),
        "pairs": _sized(lambda w: dumbbell_chart(overfitting.pairs, w)),
        "gaps": _sized(lambda w: interval_chart(overfitting.gaps, GAP_SIDES, w)),
        "learning": {li.key: _sized(partial(_curve, li)) for li in overfitting.learning},
        "churn": _sized(lambda w: churn_chart(candidate.flips.churn, w)),
    }


def _curve(learning: Learning, width: int) -> CurveChart:
    found = learning
    return curve_chart(found.scores, found.losses, found.marks, steps=found.steps, width=width)


def _sized(lay_out: Callable[[int], Chart]) -> dict[str, Chart]:
    return {name: lay_out(width) for name, width in WIDTHS.items()}
