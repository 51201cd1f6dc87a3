"""A suite's prompt: Jinja2 templates compiled once and rendered for each case.

The environment is sandboxed and strict: a template reaches nothing but its variables and the
templates it was given, a missing one is an error, and nothing random is left in, since case ids
come from the rendered text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jinja2 import (
    DictLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalkit.errors import Fault
from evalkit.model import Message
from evalkit.suite.document import Document, Place
from evalkit.suite.sandboxed import BoundedEnvironment, refuse
from evalkit.suite.validate import did_you_mean

_MISSING = re.compile(r"'([^']+)' is undefined")
# Whatever a template of the user's can raise: filters get values of any type.
_FAILURES = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_BRACES = "{{ name }} for a variable, {% raw %}{{{% endraw %} for literal braces"
NOTHING_SHARED: Mapping[str, Shared] = MappingProxyType({})


class PromptError(Exception):
    """The prompt cannot be rendered; the text says why, ``missing`` names a missing variable."""

    def __init__(self, why: str, *, missing: str = "") -> None:
        self.missing = missing
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Shared:
    """A file that templates may include or import: its path, as shown, and its text."""

    path: str
    text: str


_Written = Sequence[tuple[Place, str, Mapping[str, Any]]]

Image = Callable[[str], str]
"""Turns what a template says of an image, a path or URL, into the URL to send."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The template of a text or of an image's path or URL; ``detail`` is the image's, if any."""

    template: Template
    image: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message: who speaks, and its parts; ``plain`` if it is written as one text."""

    role: str
    pieces: tuple[Piece, ...]
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """Compiled messages. ``shares`` is true if they include or import other templates."""

    messages: tuple[Spoken, ...]
    shares: bool = False

    def render(self, variables: Mapping[str, Any], image: Image = str) -> tuple[Message, ...]:
        """Return the chat messages for one case; raise `PromptError` naming what is missing.

        An image without a path or URL is left out. What ``image`` raises passes through.
        """
        return tuple(
            {"role": spoken.role, "content": _content(spoken, variables, image)}
            for spoken in self.messages
        )


def _content(spoken: Spoken, variables: Mapping[str, Any], image: Image) -> Any:  # noqa: ANN401
    if spoken.plain:
        return _rendered(spoken.pieces[0].template, variables)
    parts: list[dict[str, Any]] = []
    for piece in spoken.pieces:
        text = _rendered(piece.template, variables)
        if not piece.image:
            parts.append({"type": "text", "text": text})
        elif text.strip():
            detail = {"detail": piece.detail} if piece.detail else {}
            parts.append({"type": "image_url", "image_url": {"url": image(text.strip()), **detail}})
    return parts


def _rendered(template: Template, variables: Mapping[str, Any]) -> str:
    try:
        found, size = list[str](), 0
        for piece in template.generate(variables):
            found.append(piece)
            size += len(piece)
            refuse(size)
        return "".join(found)
    except UndefinedError as error:
        raise _lack(error, variables) from error
    except TemplateNotFound as error:
        raise PromptError(f"no template '{error.name}' in the folder prompts") from error
    except (*_FAILURES, RecursionError) as error:
        raise PromptError(f"{type(error).__name__}: {error}") from error


def compile_prompt(
    document: Document,
    prompt: str | Sequence[Mapping[str, Any]],
    shared: Mapping[str, Shared] = NOTHING_SHARED,
) -> tuple[Prompt | None, list[Fault]]:
    """Compile the prompt of a suite file; a template with a syntax fault gives no prompt.

    ``shared`` are the templates that it can include and import by name, and no others.
    """
    return _compiled(document, _written(prompt), shared)


def compile_turns(
    document: Document,
    turns: Sequence[str | Mapping[str, str]],
    shared: Mapping[str, Shared] = NOTHING_SHARED,
) -> tuple[Prompt | None, list[Fault]]:
    """Compile the further user turns of a suite file, as `compile_prompt` does its prompt."""
    spoken: list[tuple[str, bool, _Written]] = []
    for number, (turn, text) in enumerate(zip(turns, user_texts(turns), strict=True)):
        place: Place = ("conversation", number, *([] if turn == text else ["user"]))
        spoken.append(("user", True, [(place, text, {})]))
    return _compiled(document, spoken, shared)


def user_texts(turns: Iterable[str | Mapping[str, str]]) -> tuple[str, ...]:
    """Return the texts of user turns, each written as a text or as ``{user: text}``."""
    return tuple(turn if isinstance(turn, str) else turn["user"] for turn in turns)


def _compiled(
    document: Document,
    spoken: Iterable[tuple[str, bool, _Written]],
    shared: Mapping[str, Shared],
) -> tuple[Prompt | None, list[Fault]]:
    environment = _environment(shared)
    messages: list[Spoken] = []
    faults: list[Fault] = []
    shares = False
    for role, plain, written in spoken:
        pieces: list[Piece] = []
        for place, text, more in written:
            try:
                pieces.append(Piece(environment.from_string(text), **more))
                names = list(find_referenced_templates(environment.parse(text)))
            except TemplateSyntaxError as error:
                faults.append(_syntax(document, place, error))
                continue
            shares = shares or bool(names)
            faults += [
                _unknown(document, place, name, shared)
                for name in names
                if name not in (*shared, None)
            ]
        messages.append(Spoken(role, tuple(pieces), plain))
    faults += _shared_faults(environment, shared) if shares else []
    return (None if faults else Prompt(tuple(messages), shares)), faults


def _syntax(document: Document, place: Place, error: TemplateSyntaxError) -> Fault:
    got = f"line {error.lineno} of the text: {error.message}"
    return document.fault(place, "a Jinja2 template", got=got, instead=_BRACES)


def _unknown(
    document: Document, place: Place, name: str | None, shared: Mapping[str, Shared]
) -> Fault:
    known = ", ".join(sorted(shared)) or "a file in the folder prompts beside the suite or project"
    return document.fault(
        place,
        "templates of the folder prompts",
        got=f"'{name}'",
        instead=did_you_mean(str(name), shared, otherwise=known),
    )


def _shared_faults(
    environment: ImmutableSandboxedEnvironment, shared: Mapping[str, Shared]
) -> Iterator[Fault]:
    """Yield what is wrong with the templates that may be included, at their own places."""
    for name, file in shared.items():
        document = Document(file.path, None)
        try:
            environment.get_template(name)
            found = list(find_referenced_templates(environment.parse(file.text)))
        except TemplateSyntaxError as error:
            yield Fault(file.path, error.lineno, "a Jinja2 template", str(error.message), _BRACES)
            continue
        for other in found:
            if other not in (*shared, None):
                yield _unknown(document, (), other, shared)


def _written(
    prompt: str | Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, bool, list[tuple[Place, str, dict[str, Any]]]]]:
    """Yield each message's role, whether it is one text, and its templates with their places."""
    if isinstance(prompt, str):
        yield "user", True, [(("prompt",), prompt, {})]
        return
    for number, message in enumerate(prompt):
        place: Place = ("prompt", number, "content")
        content = message["content"]
        if isinstance(content, str):
            yield message["role"], True, [(place, content, {})]
        else:
            parts = [_part((*place, n), part) for n, part in enumerate(content)]
            yield message["role"], False, parts


def _part(place: Place, part: Any) -> tuple[Place, str, dict[str, Any]]:  # noqa: ANN401
    if isinstance(part, str):
        return place, part, {}
    if "image" in part:
        return (*place, "image"), part["image"], {"image": True, "detail": part.get("detail", "")}
    return (*place, "text"), part["text"], {}


class _Missing(StrictUndefined):
    """A missing variable: an error also where it is shown inside a list or mapping."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Raise the error that names the variable."""
        return str(self)


def _environment(shared: Mapping[str, Shared]) -> ImmutableSandboxedEnvironment:
    environment = BoundedEnvironment(
        # Names are looked up among what was read, never on disk: nothing else can be reached.
        loader=DictLoader({name: file.text for name, file in shared.items()}),
        undefined=_Missing,
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
