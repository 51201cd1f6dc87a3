"""Short sums in words: each template has its own operation and its own story."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from scripts.guards.case import Made

EACH = 6
Range = tuple[int, int]

ADD = "add"
SUBTRACT = "subtract"
MULTIPLY = "multiply"
DIVIDE = "divide"
SEVERAL = "several steps"
TEMPLATES: tuple[tuple[str, str, str, Callable[[int, int], int], Range, Range], ...] = (
    ("crate", ADD, "A crate holds {a} apples and {b} more are put in. How many apples does it hold now?", lambda a, b: a + b, (12, 89), (11, 79)),
    ("plain-sum", ADD, "What is {a} + {b}?", lambda a, b: a + b, (101, 899), (101, 899)),
    ("pages", ADD, "Mira read {a} pages on Saturday and {b} pages on Sunday. How many pages is that together?", lambda a, b: a + b, (20, 99), (20, 99)),
    ("bus-on", ADD, "{a} people sit in a train. {b} get on and nobody gets off. How many are in the train?", lambda a, b: a + b, (110, 380), (15, 95)),
    ("savings", ADD, "A savings box holds {a} coins. After a birthday {b} coins are added. How many coins are in it?", lambda a, b: a + b, (31, 260), (12, 140)),
    ("steps", ADD, "One staircase has {a} steps, the next one has {b}. How many steps are there in both?", lambda a, b: a + b, (17, 68), (17, 68)),
    ("more-than", ADD, "Which number is {b} more than {a}?", lambda a, b: a + b, (230, 990), (25, 190)),
    ("votes", ADD, "A club counts {a} votes by post and {b} votes in the hall. How many votes are there in all?", lambda a, b: a + b, (60, 340), (60, 340)),
    ("plain-difference", SUBTRACT, "What is {a} - {b}?", lambda a, b: a - b, (500, 990), (101, 480)),
    ("stock", SUBTRACT, "A shop has {a} lamps and sells {b} of them. How many lamps are left?", lambda a, b: a - b, (90, 240), (13, 85)),
    ("walk", SUBTRACT, "A path is {a} metres long. Someone has walked {b} metres of it. How many metres remain?", lambda a, b: a - b, (800, 1900), (120, 750)),
    ("less-than", SUBTRACT, "Which number is {b} less than {a}?", lambda a, b: a - b, (300, 900), (21, 280)),
    ("seats", SUBTRACT, "A hall has {a} seats and {b} are taken. How many seats are free?", lambda a, b: a - b, (220, 480), (35, 210)),
    ("age", SUBTRACT, "A tree was planted {a} years ago and a hedge {b} years ago. By how many years is the tree older?", lambda a, b: a - b, (61, 120), (11, 58)),
    ("change", SUBTRACT, "A note of {a} euros pays a bill of {b} euros. How many euros come back?", lambda a, b: a - b, (100, 200), (12, 96)),
    ("temperature", SUBTRACT, "At noon it is {a} degrees, at night {b} degrees less. How many degrees is it at night?", lambda a, b: a - b, (12, 30), (15, 38)),
    ("plain-product", MULTIPLY, "What is {a} times {b}?", lambda a, b: a * b, (12, 39), (11, 29)),
    ("boxes", MULTIPLY, "{a} boxes hold {b} pencils each. How many pencils are there?", lambda a, b: a * b, (6, 19), (12, 24)),
    ("rows", MULTIPLY, "A field has {a} rows of {b} trees. How many trees stand in the field?", lambda a, b: a * b, (7, 25), (8, 30)),
    ("hours", MULTIPLY, "A pump moves {b} litres an hour. How many litres does it move in {a} hours?", lambda a, b: a * b, (3, 24), (15, 90)),
    ("price", MULTIPLY, "One ticket costs {b} euros. How many euros do {a} tickets cost?", lambda a, b: a * b, (4, 28), (6, 35)),
    ("area", MULTIPLY, "A floor is {a} metres long and {b} metres wide. How many square metres is it?", lambda a, b: a * b, (5, 22), (4, 19)),
    ("weeks", MULTIPLY, "A bakery makes {b} loaves a day, every day. How many loaves does it make in {a} weeks?", lambda a, b: 7 * a * b, (2, 6), (11, 60)),
    ("double", MULTIPLY, "What is twice the sum of {a} and {b}?", lambda a, b: 2 * (a + b), (15, 90), (15, 90)),
    ("share", DIVIDE, "{p} sweets are shared equally among {a} children. How many does each child get?", lambda _a, b: b, (3, 9), (4, 24)),
    ("plain-quotient", DIVIDE, "What is {p} divided by {a}?", lambda _a, b: b, (3, 12), (12, 60)),
    ("shelves", DIVIDE, "{p} books stand on {a} shelves, as many on each. How many books stand on one shelf?", lambda _a, b: b, (4, 12), (9, 36)),
    ("speed", DIVIDE, "A train covers {p} kilometres in {a} hours at one speed. How many kilometres does it cover in an hour?", lambda _a, b: b, (2, 7), (60, 140)),
    ("teams", DIVIDE, "{p} players form teams of {a}. How many teams are there?", lambda _a, b: b, (5, 11), (4, 18)),
    ("per-kilo", DIVIDE, "{a} kilograms of cherries cost {p} euros. How many euros does one kilogram cost?", lambda _a, b: b, (3, 9), (4, 14)),
    ("half", DIVIDE, "What is half of the sum of {d} and {e}?", lambda a, b: a + b, (11, 70), (11, 70)),
    ("remainder", DIVIDE, "What is the remainder when {r} is divided by {a}?", lambda a, b: b % a, (6, 12), (50, 140)),
    ("two-buys", SEVERAL, "Someone has 500 euros and buys a chair for {a} euros and a table for {b} euros. How many euros are left?", lambda a, b: 500 - a - b, (41, 190), (91, 280)),
    ("packs-plus", SEVERAL, "There are {a} packs of 12 eggs and {b} single eggs. How many eggs are there?", lambda a, b: 12 * a + b, (3, 14), (1, 11)),
    ("legs", SEVERAL, "A yard has {a} dogs and {b} hens, none of them missing a leg. How many legs is that?", lambda a, b: 4 * a + 2 * b, (3, 15), (4, 22)),
    ("brackets", SEVERAL, "What is ({a} + {b}) * 3?", lambda a, b: (a + b) * 3, (11, 60), (11, 60)),
    ("minutes", SEVERAL, "How many minutes are {a} hours and {b} minutes?", lambda a, b: 60 * a + b, (2, 9), (5, 55)),
    ("fence", SEVERAL, "A garden is {a} metres long and {b} metres wide. How many metres of fence go all round it?", lambda a, b: 2 * (a + b), (9, 45), (6, 30)),
    ("percent", SEVERAL, "What is {t} percent of {h}?", lambda a, b: a * b, (2, 9), (3, 40)),
    ("three-days", SEVERAL, "A shop sells {a} bags on Monday, {b} on Tuesday and twice as many as on Monday on Wednesday. How many bags is that in all?", lambda a, b: 3 * a + b, (11, 48), (11, 48)),
)  # fmt: skip


def cases(rng: random.Random) -> Iterator[Made]:
    """Yield the cases: each template with several pairs of numbers."""
    for name, operation, text, result, left, right in TEMPLATES:
        for a, b in _pairs(rng, left, right):
            answer = result(a, b)
            prompt = text.format(a=a, b=b, p=a * b, d=2 * a, e=2 * b, r=b, t=10 * a, h=10 * b)
            yield Made(
                template=name,
                prompt=prompt,
                expected=answer,
                right=f"The answer is {answer}.",
                wrong=f"The answer is {answer + 1}.",
                tags={"operation": operation},
            )


def _pairs(rng: random.Random, left: Range, right: Range) -> list[tuple[int, int]]:
    pairs: dict[tuple[int, int], None] = {}
    while len(pairs) < EACH:
        pairs[(rng.randint(*left), rng.randint(*right))] = None
    return list(pairs)
