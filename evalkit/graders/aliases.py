"""How much the aliases of a YAML document blow it up."""

from __future__ import annotations

import yaml

MOST_ALIASED = 100_000
"""How many values aliases may add to those that were written."""


def refuse_bomb(root: yaml.Node) -> None:
    """Raise `yaml.MarkedYAMLError` for too many aliased values, or an alias inside itself."""
    written: dict[int, int] = {}
    whole = _expanded(root, written, set())
    if whole - len(written) > MOST_ALIASED:
        problem = f"aliases that add more than {MOST_ALIASED} values"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=root.start_mark)


def _expanded(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """Return how many values ``node`` stands for; ``sizes`` remembers each node once."""
    if id(node) in above:
        problem = "an alias inside what it stands for"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    if id(node) not in sizes:
        above.add(id(node))
        sizes[id(node)] = 1 + sum(_expanded(n, sizes, above) for n in _children(node))
        above.discard(id(node))
    return sizes[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
