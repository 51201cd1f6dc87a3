"""The pytest plugin's door: options, and nothing else until `--evalkit` is given.

Loading this module must cost a project without suites nothing, so everything that works lives
behind `pytest_configure` in `evalkit.plugin.session`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.pipeline.options import budget, positive, span

MARKERS = {
    "target": "evalkit: a case of a suite that must improve",
    "guard": "evalkit: a case of a suite that must not get worse than its margin",
    "report": "evalkit: a case of a suite that never gates",
    "train": "evalkit: a case drawn from a candidate's training file",
    "critical": "evalkit: a case that may never break",
    "gate": "evalkit: an item that is a rule of the gate, not a case",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; `--evalkit` switches everything else on."""
    group = parser.getgroup("evalkit", "evaluate fine-tuned models against their base")
    add = group.addoption
    add("--evalkit", action="store_true", help="Collect YAML suites, ask the models, decide.")
    add(
        "--evalkit-models",
        metavar="NAMES",
        default="",
        help="Comma-separated names or patterns of the models to compare, such as base,tuned*.",
    )
    add("--evalkit-samples", metavar="N", type=positive, help="Answers for each case and model.")
    add("--evalkit-limit", metavar="N", type=positive, help="First N cases of each suite.")
    add("--evalkit-offline", action="store_true", help="Use stored answers only; make no call.")
    add("--evalkit-rerun", action="store_true", help="Ask again even where an answer is stored.")
    add("--evalkit-aa", action="store_true", help="Ask the base twice, to measure the noise.")
    add("--evalkit-stop-early", action="store_true", help="End a suite once it is settled.")
    add("--evalkit-budget", metavar="LIMITS", type=budget, help="Such as money=5,requests=1000.")
    add("--evalkit-deadline", metavar="TIME", type=span, help="Ask nothing after 30m (s, m, h).")
    add(
        "--evalkit-no-identity-check",
        action="store_true",
        help="Ask on where the first answers show another model than the one asked for.",
    )
    add("--evalkit-report", metavar="DIR", default="reports", help="Folder of the runs (reports).")
    add("--evalkit-policy", metavar="FILE", type=Path, help="Policy file instead of the project's.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the working half if it was asked for."""
    if config.getoption("evalkit"):
        from evalkit.plugin.session import register

        for name, meaning in MARKERS.items():
            config.addinivalue_line("markers", f"{name}: {meaning}")
        register(config)
    elif told := [word for word in config.invocation_params.args if _ours(word)]:
        raise pytest.UsageError(f"{told[0]} says how, not that: add --evalkit before it")


def _ours(word: object) -> bool:
    return str(word).startswith("--evalkit-")
