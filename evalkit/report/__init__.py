"""A decision for readers: an HTML file, a Markdown summary, a terminal text. Decides nothing.

::

    build_view       Decision, Manifest, suites and records to a View: every word and number
    render_html      the View as one file that opens offline
    render_markdown  the View for a pull request
    render_text      the View for a terminal
    render_junit     the rules of the gate for a CI server

`score_view.build_score_view` does for scores without answers what `build_view` does for a run.
Importing this package does not load jinja2; `render_html` does when it is called.
"""

from __future__ import annotations

from evalkit.report.html import render_html
from evalkit.report.junit import render_junit
from evalkit.report.markdown import render_markdown
from evalkit.report.text import render_text
from evalkit.report.view import View, build_view

__all__ = [
    "View",
    "build_view",
    "render_html",
    "render_junit",
    "render_markdown",
    "render_text",
]
