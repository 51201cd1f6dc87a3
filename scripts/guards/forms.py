"""Given facts in an exact form: the expected answer is a pattern that the whole reply must fit."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scripts.guards.case import Made

EACH = 7
NAMES = (
    "Ada",
    "Ben",
    "Clara",
    "Deniz",
    "Elif",
    "Fritz",
    "Gita",
    "Hugo",
    "Ines",
    "Jonas",
    "Kofi",
    "Lena",
)
CITIES = ("Bern", "Porto", "Ghent", "Oslo", "Lyon", "Graz", "Turin", "Cork", "Gdansk", "Malaga")
GOODS = (
    "lamp",
    "chair",
    "kettle",
    "mirror",
    "carpet",
    "shelf",
    "basket",
    "clock",
    "pillow",
    "bucket",
)
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "grey")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one case is about."""

    name: str
    city: str
    age: int
    goods: list[str]
    colour: str
    count: int
    price: str
    date: tuple[int, int, int]


def cases(rng: random.Random) -> Iterator[Made]:
    """Yield the cases: each form with several sets of facts."""
    for _ in range(EACH):
        facts = Facts(
            rng.choice(NAMES), rng.choice(CITIES), rng.randint(19, 78), rng.sample(GOODS, 3),
            rng.choice(COLOURS), rng.randint(2, 40), f"{rng.randint(3, 90)}.{rng.randint(10, 99)}",
            (rng.randint(2019, 2031), rng.randint(1, 12), rng.randint(1, 28)),
        )  # fmt: skip
        for kind, name, prompt, right, pattern, wrong in (
            *_json(facts),
            *_tables(facts),
            *_lists(facts),
            *_values(facts),
        ):
            yield Made(name, prompt, rf"\s*{pattern}\s*", right, wrong, {"kind": kind})


Row = tuple[str, str, str, str, str, str]


def _json(f: Facts) -> Iterator[Row]:
    one, two, three = f.goods
    person = f"{f.name} is {f.age} years old and lives in {f.city}."
    only = "Answer with JSON only, without a code fence."
    for name, prompt, tree in (
        ("json-object", f'{person} Write this as a JSON object with the keys "name", "age" and "city" in this order, age as a number.', {"name": f.name, "age": f.age, "city": f.city}),
        ("json-strings", f'{person} Write this as a JSON object with the keys "name", "age" and "city" in this order, every value as a string.', {"name": f.name, "age": str(f.age), "city": f.city}),
        ("json-array", f"Write these words as a JSON array of strings, in this order: {one}, {two}, {three}.", f.goods),
        ("json-nested", f'A {one} costs {f.price} euros. Write this as a JSON object with the key "item", which holds an object with the keys "name" and "price" in this order, price as a number.', {"item": {"name": one, "price": float(f.price)}}),
        ("json-list-of-objects", f'Write a JSON array with one object for each of these words in this order, each object with the only key "word": {one}, {two}.', [{"word": one}, {"word": two}]),
        ("json-boolean", f'The {one} is in stock, the {two} is not. Write this as a JSON object with the keys "{one}" and "{two}" in this order and booleans as values.', {one: True, two: False}),
        ("json-null", f'{f.name} lives in {f.city}; the age is not known. Write this as a JSON object with the keys "name", "city" and "age" in this order; use null for what is not known.', {"name": f.name, "city": f.city, "age": None}),
    ):  # fmt: skip
        right = json.dumps(tree)
        yield "JSON", name, f"{prompt} {only}", right, json_pattern(tree), f"Here it is: {right}"


def json_pattern(tree: Any) -> str:  # noqa: ANN401  (any JSON value)
    """Return a pattern of a JSON value with any white space between its parts, keys in order."""
    if isinstance(tree, dict):
        pairs = (rf'"{re.escape(key)}"\s*:\s*{json_pattern(value)}' for key, value in tree.items())
        return rf"\{{\s*{comma(pairs)}\s*\}}"
    if isinstance(tree, list):
        return rf"\[\s*{comma(map(json_pattern, tree))}\s*\]"
    return re.escape(json.dumps(tree))


def comma(parts: Iterable[str]) -> str:
    """Return a pattern of parts with commas between them."""
    return r"\s*,\s*".join(parts)


def _tables(f: Facts) -> Iterator[Row]:
    one, two, three = f.goods
    a, b = f.count, f.count + 3
    counted = f"There are {a} of {one} and {b} of {two}."
    cell, only = r"[ \t]*", "Write nothing else."
    yield (
        "table",
        "csv",
        f"{counted} Write this as CSV with the header line item,count and a line for each, without spaces. {only}",
        f"item,count\n{one},{a}\n{two},{b}",
        rf"item,count\n{one},{a}\n{two},{b}",
        f"{one},{a}\n{two},{b}",
    )
    yield (
        "table",
        "csv-semicolon",
        f"{counted} Write this as lines with a semicolon between item and count, without a header and without spaces. {only}",
        f"{one};{a}\n{two};{b}",
        rf"{one};{a}\n{two};{b}",
        f"{one},{a}\n{two},{b}",
    )
    rule = rf"\|{cell}:?-+:?{cell}\|{cell}:?-+:?{cell}\|"
    yield (
        "table",
        "markdown-table",
        f"{counted} Write this as a Markdown table with the columns Item and Count. {only}",
        f"| Item | Count |\n|---|---|\n| {one} | {a} |\n| {two} | {b} |",
        rf"\|{cell}Item{cell}\|{cell}Count{cell}\|{cell}\n{rule}{cell}\n\|{cell}(?i:{one}){cell}\|{cell}{a}{cell}\|{cell}\n\|{cell}(?i:{two}){cell}\|{cell}{b}{cell}\|",
        f"Item: {one}, Count: {a}",
    )
    yield (
        "table",
        "key-value",
        f"{counted} Write each on a line of its own as item=count, without spaces. {only}",
        f"{one}={a}\n{two}={b}",
        rf"{one}={a}\n{two}={b}",
        f"{one}: {a}\n{two}: {b}",
    )
    yield (
        "table",
        "yaml",
        f"{f.name} lives in {f.city}. Write this as YAML with the keys name and city, one on each line, without quotes and without a code fence. {only}",
        f"name: {f.name}\ncity: {f.city}",
        rf"name: +{f.name}[ \t]*\ncity: +{f.city}",
        f"```yaml\nname: {f.name}\ncity: {f.city}\n```",
    )
    yield (
        "table",
        "xml",
        f"Write one XML element called item with the text {three} and the attribute colour set to {f.colour}, in double quotation marks. {only}",
        f'<item colour="{f.colour}">{three}</item>',
        rf'<item\s+colour\s*=\s*"{f.colour}"\s*>\s*{three}\s*</item>',
        f"<item>{three}</item>",
    )
    yield (
        "table",
        "html-list",
        f"Write an unordered HTML list of these items in this order: {one}, {two}. {only} No attributes, no code fence.",
        f"<ul>\n<li>{one}</li>\n<li>{two}</li>\n</ul>",
        rf"(?i:<ul>\s*<li>\s*{one}\s*</li>\s*<li>\s*{two}\s*</li>\s*</ul>)",
        f"- {one}\n- {two}",
    )


def _lists(f: Facts) -> Iterator[Row]:
    one, two, three = f.goods
    words, only = ", ".join(f.goods), "Write nothing else."
    yield (
        "list",
        "numbered",
        f"Write these words as a numbered list with a full stop after each number: {words}. {only}",
        f"1. {one}\n2. {two}\n3. {three}",
        rf"(?i:1\. +{one}\.?[ \t]*\n+2\. +{two}\.?[ \t]*\n+3\. +{three}\.?)",
        f"{one}\n{two}\n{three}",
    )
    yield (
        "list",
        "bullets",
        f"Write these words as a list, each after a hyphen and a space: {words}. {only}",
        f"- {one}\n- {two}\n- {three}",
        rf"(?i:- {one}\.?[ \t]*\n+- {two}\.?[ \t]*\n+- {three}\.?)",
        f"{one}, {two}, {three}",
    )
    yield (
        "list",
        "letters",
        f"Write these words as a list with the letters a), b) and c): {words}. {only}",
        f"a) {one}\nb) {two}\nc) {three}",
        rf"(?i:a\) +{one}[ \t]*\n+b\) +{two}[ \t]*\n+c\) +{three})",
        f"1) {one}\n2) {two}\n3) {three}",
    )
    yield (
        "list",
        "lines",
        f"Write these words one on each line, without numbers and marks: {words}. {only}",
        f"{one}\n{two}\n{three}",
        rf"(?i:{one}[ \t]*\n+{two}[ \t]*\n+{three})",
        f"- {one}\n- {two}\n- {three}",
    )
    yield (
        "list",
        "pipes",
        f"Write these words on one line with a vertical bar between them, without spaces: {words}. {only}",
        f"{one}|{two}|{three}",
        rf"(?i:{one}\|{two}\|{three})",
        f"{one}, {two}, {three}",
    )
    yield (
        "list",
        "slashes",
        f"Write these words on one line with a slash between them, without spaces: {words}. {only}",
        f"{one}/{two}/{three}",
        rf"(?i:{one}/{two}/{three})",
        f"{one} {two} {three}",
    )
    yield (
        "list",
        "upside-down",
        f"Write these words in reverse order, with a comma and a space between them: {words}. {only}",
        f"{three}, {two}, {one}",
        rf"(?i:{three}, {two}, {one}\.?)",
        words,
    )
    yield (
        "list",
        "brackets",
        f"Write each of these words in square brackets, on one line with a space between them: {words}. {only}",
        f"[{one}] [{two}] [{three}]",
        rf"(?i:\[{one}\] \[{two}\] \[{three}\])",
        f"[{words}]",
    )


def _values(f: Facts) -> Iterator[Row]:
    year, month, day = f.date
    months = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
    said, only = f"{day} {months[month - 1]} {year}", "Write nothing else."
    iso = f"{year}-{month:02}-{day:02}"
    yield (
        "value",
        "iso-date",
        f"Write the date {said} in the form YYYY-MM-DD. {only}",
        iso,
        iso,
        said,
    )
    yield (
        "value",
        "dotted-date",
        f"Write the date {said} in the form DD.MM.YYYY, with two digits for day and month. {only}",
        f"{day:02}.{month:02}.{year}",
        rf"{day:02}\.{month:02}\.{year}",
        iso,
    )
    yield (
        "value",
        "clock",
        f"Write the time {f.count % 11 + 1}:{day + 10} in the afternoon as HH:MM on the clock of 24 hours. {only}",
        f"{f.count % 11 + 13}:{day + 10}",
        f"{f.count % 11 + 13}:{day + 10}",
        f"{f.count % 11 + 1}:{day + 10} PM",
    )
    yield (
        "value",
        "two-decimals",
        f"Write the number {f.count} with exactly two digits after a decimal point. {only}",
        f"{f.count}.00",
        rf"{f.count}\.00",
        str(f.count),
    )
    yield (
        "value",
        "leading-zeros",
        f"Write the number {f.age} with six digits, zeros in front. {only}",
        f"{f.age:06}",
        f"{f.age:06}",
        str(f.age),
    )
    yield (
        "value",
        "snake",
        f"Write the words {f.colour} {f.goods[0]} {f.goods[1]} in snake_case. {only}",
        f"{f.colour}_{f.goods[0]}_{f.goods[1]}",
        f"`?{f.colour}_{f.goods[0]}_{f.goods[1]}`?",
        f"{f.colour} {f.goods[0]} {f.goods[1]}",
    )
    yield (
        "value",
        "kebab",
        f"Write the words {f.colour} {f.goods[1]} {f.goods[2]} with a hyphen between them, in lower case. {only}",
        f"{f.colour}-{f.goods[1]}-{f.goods[2]}",
        f"`?{f.colour}-{f.goods[1]}-{f.goods[2]}`?",
        f"{f.colour} {f.goods[1]} {f.goods[2]}",
    )
    yield (
        "value",
        "tagged",
        f"Write the word {f.goods[2]} between the tags <answer> and </answer>. {only}",
        f"<answer>{f.goods[2]}</answer>",
        rf"(?i:<answer>\s*{f.goods[2]}\s*</answer>)",
        f.goods[2],
    )
    yield (
        "value",
        "upper",
        f"Write the word {f.goods[0]} in capital letters. {only}",
        f.goods[0].upper(),
        rf"{f.goods[0].upper()}\.?",
        f.goods[0],
    )
    yield (
        "value",
        "price",
        f"Write the amount {f.price} euros as a number with a decimal comma, followed by a space and EUR. {only}",
        f"{f.price.replace('.', ',')} EUR",
        f"{f.price.replace('.', ',')} EUR",
        f"{f.price} EUR",
    )
