"""Plain values to YAML that reads like written by hand, and means the same to every reader."""

from __future__ import annotations

import re

import yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*(?<! )")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Writes every text that a reader could take for something else in quotes."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (yaml's own signature)
        """Return true: what stands twice is written twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style: str | None = '"'
    if "\n" in text and text == text.strip() and text.isprintable() is False and _clean(text):
        style = "|"
    elif _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _clean(text: str) -> bool:
    """Return whether a block of lines can hold the text as it is."""
    return all(line == line.rstrip() and line.isprintable() for line in text.split("\n"))


_Dumper.add_representer(str, _text)


def yaml_text(tree: object) -> str:
    """Return ``tree`` as a YAML document of lines."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def yaml_inline(value: object) -> str:
    """Return ``value`` on one line, to stand behind a key or in a list."""
    text: str = yaml.dump(
        [value],  # inside a list, or a text of several lines would take several
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
        default_flow_style=True,
    )
    return text.rstrip("\n")[1:-1]
