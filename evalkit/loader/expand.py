"""``${VAR}`` in a project file, and the keys that must not stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.errors import Fault
from evalkit.suite.document import Document, Place

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
# Keys of OpenAI and its kin are long and hold digits; "sk-learn-model-comparison" is no key.
_SECRET = re.compile(r"\b(?:sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}|(?:hf|gsk)_[A-Za-z0-9]{30,})")
_HIDDEN = "(hidden)"


def expand(document: Document, environ: Mapping[str, str]) -> tuple[Document, list[Fault]]:
    """Return the document with ``${VAR}`` and ``${VAR:-default}`` replaced from ``environ``.

    An empty variable counts as missing, as in a shell. What looks like an API key, written or by
    way of a variable, is a fault and does not come out again.
    """
    faults: list[Fault] = []

    def text(value: str, place: Place) -> str:
        def look_up(match: re.Match[str]) -> str:
            found = environ.get(match[1]) or match[2]
            if found is None:
                faults.append(_unset(document, place, match[1]))
            return match[0] if found is None else found

        expanded = _VARIABLE.sub(look_up, value)
        if _SECRET.search(expanded):
            faults.append(_secret(document, place))
            return _HIDDEN
        return expanded

    def walk(value: Any, place: Place) -> Any:  # noqa: ANN401  (a tree of any shape)
        if isinstance(value, dict):
            return {key: walk(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*place, n)) for n, item in enumerate(value)]
        return text(value, place) if isinstance(value, str) else value

    return replace(document, tree=walk(document.tree, ())), faults


def _unset(document: Document, place: Place, name: str) -> Fault:
    return document.fault(
        place,
        "environment variables that are set",
        got=f"{name}, which is not set or empty",
        instead=f"export {name}=..., or ${{{name}:-default}}",
    )


def _secret(document: Document, place: Place) -> Fault:
    return document.fault(
        place,
        "secrets in the environment only",
        got="something that looks like an API key",
        instead="api_key_env: NAME_OF_THE_VARIABLE, and take this key out of use if it was shared",
    )
