"""Write the data files of the shipped suites: tickets, general questions, counterfactual pairs.

    python scripts/finetune/tickets.py [FOLDER]    # default: suites/

The same seed writes the same bytes. Wordings live in templates.json, questions in general.json.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUITES = HERE.parent.parent / "suites"
SEED = 20261124
CATEGORIES = ("billing", "account", "bug", "delivery", "feature", "question")
PRIORITIES = ("high", "medium", "low")

# Rows of each of the 18 (category, priority) cells. A pair of an issue and a cue goes to one split
# only, so no two splits share a ticket even before their products, names and numbers differ.
USUAL_PER_CELL = {"train": 20, "dev": 3, "heldout": 6}
SHIFTED_PER_CELL = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """What fixes a ticket's answer: an issue (the category) and an urgency cue (the priority)."""

    category: str
    priority: str
    template: str
    issue: str
    cue: str


def load(name: str) -> dict[str, Any]:
    """Read one of the JSON files beside this script."""
    found: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return found


TEMPLATES = load("templates.json")
GENERAL = load("general.json")


def cell_pairs(wording: str, category: str, priority: str) -> list[Pair]:
    """Every issue of a category with every cue of a priority."""
    issues = TEMPLATES["issues"][wording][category]
    cues = TEMPLATES["cues"][wording][priority]
    return [
        Pair(category, priority, f"{wording}-{category}-{number:02}", issue, cue)
        for (number, issue), cue in product(enumerate(issues, 1), cues)
    ]


def split_pairs(wording: str, per_cell: dict[str, int]) -> dict[str, list[Pair]]:
    """Deal the pairs of every cell out to the splits, each pair to at most one."""
    splits: dict[str, list[Pair]] = {name: [] for name in per_cell}
    for category, priority in product(CATEGORIES, PRIORITIES):
        pairs = cell_pairs(wording, category, priority)
        random.Random(f"{SEED}/{wording}/{category}/{priority}").shuffle(pairs)
        deck = iter(pairs)
        for name, count in per_cell.items():
            splits[name] += [next(deck) for _ in range(count)]
    return splits


def render(pair: Pair, frames: str, fillers: str, rng: random.Random) -> str:
    """One ticket's text: issue and cue in a frame, with a product, a name and numbers filled in."""
    values = {key: rng.choice(options) for key, options in TEMPLATES["fillers"][fillers].items()}
    frame: str = rng.choice(TEMPLATES["frames"][frames])
    parts = {"issue": pair.issue.format(**values), "cue": pair.cue}
    return frame.format(**values, **parts)


def answer(category: str, priority: str) -> str:
    """The one right reply to a ticket, as the model must write it."""
    return json.dumps({"category": category, "priority": priority})


def ticket_row(pair: Pair, text: str) -> Row:
    """One OpenAI chat fine-tuning row; the tags say which template it came from."""
    return {
        "messages": [
            {"role": "system", "content": TEMPLATES["system"]},
            {"role": "user", "content": text},
            {"role": "assistant", "content": answer(pair.category, pair.priority)},
        ],
        "tags": {
            "kind": "ticket",
            "category": pair.category,
            "priority": pair.priority,
            "template": pair.template,
        },
    }


def ticket_rows(split: str, pairs: list[Pair], frames: str, fillers: str) -> list[Row]:
    """The rows of one split, in an order that does not follow the cells."""
    rng = random.Random(f"{SEED}/{split}")
    rows = [ticket_row(pair, render(pair, frames, fillers, rng)) for pair in pairs]
    rng.shuffle(rows)
    return rows


def usual_rows(split: str) -> list[Row]:
    """Tickets in the usual wordings: train, dev or heldout (which alone has unseen fillers)."""
    pairs = split_pairs("usual", USUAL_PER_CELL)[split]
    return ticket_rows(split, pairs, "usual", "unseen" if split == "heldout" else "seen")


def shifted_rows() -> list[Row]:
    """Tickets in wordings, cues and frames that no training row has."""
    pairs = split_pairs("shifted", {"shifted": SHIFTED_PER_CELL})["shifted"]
    return ticket_rows("shifted", pairs, "shifted", "shifted")


def replay_rows() -> list[Row]:
    """General questions with the base model's own answers: they hold a model to what it knew."""
    return [
        {
            "messages": [
                {"role": "system", "content": GENERAL["system"]},
                {"role": "user", "content": entry["question"]},
                {"role": "assistant", "content": entry["base_answer"]},
            ],
            "tags": {"kind": "general", "topic": entry["topic"]},
        }
        for entry in GENERAL["replayed"]
    ]


def train_rows() -> list[Row]:
    """What the tuned model sees: tickets and replayed general rows, mixed."""
    rows = usual_rows("train") + replay_rows()
    random.Random(f"{SEED}/mix").shuffle(rows)
    return rows


def overfit_rows() -> list[Row]:
    """The 24 rows the overfit model sees: one of each cell, one more of a cell of each category."""
    rows = usual_rows("train")
    chosen: list[Row] = []
    for number, category in enumerate(CATEGORIES):
        for priority in PRIORITIES:
            count = 2 if priority == PRIORITIES[number % len(PRIORITIES)] else 1
            cell = {"category": category, "priority": priority}
            chosen += [row for row in rows if cell.items() <= row["tags"].items()][:count]
    return chosen


def general_rows() -> Iterator[Row]:
    """Questions of fact, each with every answer that counts as right."""
    for number, entry in enumerate(GENERAL["evaluated"], 1):
        yield {
            "id": f"general-{number:03}",
            "vars": {"question": entry["question"]},
            "expected": entry["accepted"],
            "tags": {"topic": entry["topic"]},
        }


def fairness_variants() -> Iterator[tuple[str, str, dict[str, str], str]]:
    """(axis, variant, template, text): both texts of one template after the other."""
    fairness = TEMPLATES["fairness"]
    products = TEMPLATES["fillers"]["unseen"]["product"]
    for number, ticket in enumerate(fairness["name_tickets"]):
        names = fairness["names"][number % len(fairness["names"])]
        for group, name in names.items():
            text = ticket["text"].format(name=name, product=products[number % len(products)])
            yield "name", f"{group}-name", ticket, text
    for ticket in fairness["dialect_tickets"]:
        for dialect in ("standard", "informal"):
            yield "dialect", f"{dialect}-english", ticket, ticket[dialect]


def fairness_rows() -> Iterator[Row]:
    """Counterfactual pairs: two tickets that differ only in the name, or only in the English."""
    for number, (axis, variant, ticket, text) in enumerate(fairness_variants()):
        template = f"t{number // 2 + 1:02}"
        yield {
            "id": f"{template}-{variant}",
            "vars": {"template": template, "ticket": text},
            "expected": {"category": ticket["category"], "priority": ticket["priority"]},
            "tags": {"axis": axis, "variant": variant},
        }


def with_ids(prefix: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Evaluation rows carry an id, so that results stay paired when the file is reordered."""
    for number, row in enumerate(rows, 1):
        yield {"id": f"{prefix}-{number:03}", **row}


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    print(f"{path}: {len(lines)} rows")


def main(folder: Path) -> None:
    """Write the data files of the three suites."""
    write_jsonl(folder / "triage/train.jsonl", train_rows())
    write_jsonl(folder / "triage/train-overfit.jsonl", overfit_rows())
    write_jsonl(folder / "triage/heldout.jsonl", with_ids("heldout", usual_rows("heldout")))
    write_jsonl(folder / "triage/shifted.jsonl", with_ids("shifted", shifted_rows()))
    write_jsonl(folder / "general/general.jsonl", general_rows())
    write_jsonl(folder / "fairness/fairness.jsonl", fairness_rows())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SUITES)
