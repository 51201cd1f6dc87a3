"""Jinja2 over this package's templates. Only `render_html` imports it, and only when called."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def fill(template: str, values: Mapping[str, object], *, trusted: Mapping[str, str]) -> str:
    """Return ``template`` with ``values`` escaped; ``trusted`` are files of this package."""
    raw = {name: Markup(text) for name, text in trusted.items()}  # noqa: S704  (own files)
    return _environment().get_template(template).render(**values, **raw)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
