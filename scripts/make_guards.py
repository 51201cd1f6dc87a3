"""Write the cases of the guard packs: `uv run python -m scripts.make_guards`.

Everything is made of the templates in `scripts/guards/`; the same script writes the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from scripts.guards import arithmetic, bias, forms, instructions, language, phrasing, refusal, tools
from scripts.guards.case import Made, lines

FOLDER = Path(__file__).parents[1] / "evalkit" / "guards"
SEED = 20261124
PACKS: Mapping[str, Callable[[random.Random], Iterable[Made]]] = {
    "arithmetic": arithmetic.cases,
    "bias": bias.cases,
    "format": forms.cases,
    "instructions": instructions.cases,
    "language": language.cases,
    "over_refusal": refusal.answered,
    "phrasing": phrasing.cases,
    "refusal": refusal.refused,
    "tools": tools.cases,
}


def cases_of(pack: str) -> list[Made]:
    """Return the cases of a pack, the same ones every time: no prompt twice, by template."""
    made = PACKS[pack](random.Random(f"{SEED} {pack}"))
    found = list({case.prompt: case for case in made}.values())
    place = {name: n for n, name in enumerate(dict.fromkeys(case.template for case in found))}
    return sorted(found, key=lambda case: place[case.template])


def text_of(pack: str) -> str:
    """Return the content of a pack's `cases.jsonl`."""
    return lines(cases_of(pack))


if __name__ == "__main__":
    for pack in PACKS:
        path = FOLDER / pack / "cases.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(pack), encoding="utf-8")
        print(f"{path.relative_to(FOLDER.parents[1])}: {len(cases_of(pack))} cases")
