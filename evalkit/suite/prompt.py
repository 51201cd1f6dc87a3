"""A suite's prompt: Jinja2 templates compiled once and rendered for each case.

The environment is sandboxed and strict: a template reaches nothing but its variables, a missing
one is an error, and nothing random is left in, since case ids come from the rendered text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalkit.errors import Fault
from evalkit.model import Message
from evalkit.suite.document import Document, Place

_MISSING = re.compile(r"'([^']+)' is undefined")
# Whatever a template of the user's can raise: filters get values of any type.
_FAILURES = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class PromptError(Exception):
    """The prompt cannot be rendered; the text says why, ``missing`` names a missing variable."""

    def __init__(self, why: str, *, missing: str = "") -> None:
        self.missing = missing
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Compiled templates, each with the role that speaks it."""

    parts: tuple[tuple[str, Template], ...]

    def render(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the chat messages for one case; raise `PromptError` naming what is missing."""
        try:
            return tuple(
                {"role": role, "content": template.render(variables)}
                for role, template in self.parts
            )
        except UndefinedError as error:
            raise _lack(error, variables) from error
        except (*_FAILURES, RecursionError) as error:
            raise PromptError(f"{type(error).__name__}: {error}") from error


def compile_prompt(
    document: Document, prompt: str | Sequence[Mapping[str, str]]
) -> tuple[Prompt | None, list[Fault]]:
    """Compile the prompt of a suite file; a template with a syntax fault gives no prompt."""
    environment = _environment()
    parts: list[tuple[str, Template]] = []
    faults: list[Fault] = []
    for place, role, text in _templates(prompt):
        try:
            parts.append((role, environment.from_string(text)))
        except TemplateSyntaxError as error:
            faults.append(
                document.fault(
                    place,
                    "a Jinja2 template",
                    got=f"line {error.lineno} of the text: {error.message}",
                    instead="{{ name }} for a variable, {% raw %}{{{% endraw %} for literal braces",
                )
            )
    return (None if faults else Prompt(tuple(parts))), faults


def _templates(prompt: str | Sequence[Mapping[str, str]]) -> list[tuple[Place, str, str]]:
    if isinstance(prompt, str):
        return [(("prompt",), "user", prompt)]
    return [
        (("prompt", number, "content"), message["role"], message["content"])
        for number, message in enumerate(prompt)
    ]


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # a prompt is plain text, never HTML
    )
    environment.globals.clear()
    del environment.filters["random"]
    return environment


def _lack(error: UndefinedError, variables: Mapping[str, Any]) -> PromptError:
    missing = _MISSING.search(str(error))
    what = f"no value for '{missing[1]}'" if missing else str(error)
    known = ", ".join(sorted(variables)) or "no variables"
    return PromptError(f"{what}; the case has: {known}", missing=missing[1] if missing else "")
