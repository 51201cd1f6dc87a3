"""One checkable constraint each: the expected answer is a pattern that the whole reply must fit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.guards.case import Made

EACH = 8
TOPICS = (
    "rain", "bread", "a bicycle", "the moon", "a library", "tea", "a bridge", "snow", "a garden",
    "music", "a harbour", "winter", "a market", "the sea", "a clock", "a forest", "breakfast",
    "a lighthouse", "paper", "a train journey",
)  # fmt: skip
WORDS = ("river", "lamp", "green", "quiet", "window", "stone", "silver", "paper", "cloud", "copper")
ENDINGS = ("That is all.", "Thank you for reading.", "More on request.", "The end.")
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}
_TALK = "It is old and useful, and many people like it, whatever the weather may be today."


@dataclass(frozen=True, slots=True)
class Asked:
    """A constraint with its fillers in: how it is asked, the pattern, a right and a wrong reply."""

    kind: str
    name: str
    text: str
    pattern: str
    right: str
    wrong: str


def cases(rng: random.Random) -> Iterator[Made]:
    """Yield the cases: each constraint with several topics and fillers."""
    fillers = [
        (topic, *rng.sample(WORDS, 2), rng.choice(ENDINGS), rng.randint(3, 6))
        for topic in rng.sample(TOPICS, EACH)
    ]
    for topic, word, other, ending, n in fillers:
        for asked in (
            *_lengths(topic, n),
            *_words(topic, word, other),
            *_letters(topic),
            *_edges(topic, word, ending),
            *_layout(topic, n),
        ):
            yield Made(
                asked.name,
                asked.text,
                asked.pattern,
                asked.right,
                asked.wrong,
                {"kind": asked.kind},
            )


def _words_in(least: int, most: int | None = None) -> str:
    """Return a pattern of so many words; marks that stand alone, such as a dash, are none."""
    word, marks = r"(?>[^\s\w]*\w\S*)", r"(?>(?:[^\s\w]+(?!\S)\s*)*)"
    upper = "" if most is None else most - 1
    return rf"\s*{marks}{word}(?:\s+{marks}{word}){{{least - 1},{upper}}}+\s*{marks}"


def _lengths(topic: str, n: int) -> Iterator[Asked]:
    kind, number = "length", _NUMBERS[n]
    yield Asked(
        kind,
        "exact-words",
        f"Describe {topic} in exactly {number} words.",
        _words_in(n, n),
        " ".join(["calm"] * n),
        " ".join(["calm"] * (n + 1)),
    )
    yield Asked(
        kind,
        "most-words",
        f"Say something about {topic} in at most {5 * n} words.",
        _words_in(1, 5 * n),
        "It is good.",
        "so " * (5 * n + 1),
    )
    yield Asked(
        kind,
        "least-words",
        f"Say something about {topic}. Use at least {10 * n} words.",
        _words_in(10 * n),
        "so " * (10 * n),
        "It is good.",
    )
    yield Asked(
        kind,
        "one-sentence",
        f"Say something about {topic} in exactly one sentence. Use no abbreviations and no numbers.",
        r"\s*[^.!?\n]*\w[^.!?\n]*[.!?]\W*",
        "It is good.",
        "It is good. It is old.",
    )
    sentence = r"(?>[^.!?\w]*\w[^.!?]*[.!?]+)"
    yield Asked(
        kind,
        "sentences",
        f"Write exactly {number} sentences about {topic}. Use no abbreviations and no numbers.",
        rf"(?:{sentence}){{{n}}}\W*",
        "It is good. " * n,
        "It is good. " * (n - 1),
    )
    yield Asked(
        kind,
        "one-word",
        f"Which one word comes to mind first when you think of {topic}? Answer with that word only.",
        r"\W*\w[\w'-]*\W*",
        "Calm",
        "The word is calm",
    )


def _words(topic: str, word: str, other: str) -> Iterator[Asked]:
    kind = "words"
    has = rf"(?is)(?=.*\b{word}\b)"
    yield Asked(
        kind,
        "with-word",
        f'Write one or two sentences about {topic} that contain the word "{word}".',
        has + ".*",
        f"Here is a {word}.",
        "Here is nothing.",
    )
    yield Asked(
        kind,
        "with-two",
        f'Write one or two sentences about {topic}. Use both the word "{word}" and the word "{other}".',
        rf"{has}(?=.*\b{other}\b).*",
        f"The {word} and the {other}.",
        f"Only the {word}.",
    )
    yield Asked(
        kind,
        "without-word",
        f'Write two sentences about {topic} without the word "very" and without the word "{word}".',
        rf"(?is)(?!.*\b(?:very|{word})\b).*\w.*",
        "It is good.",
        "It is very good.",
    )
    yield Asked(
        kind,
        "word-twice",
        f'Write a few sentences about {topic} in which the word "{word}" occurs exactly twice.',
        rf"(?is)(?:(?!\b{word}\b).)*(?:\b{word}\b(?:(?!\b{word}\b).)*){{2}}",
        f"A {word} and a {word}.",
        f"A {word}.",
    )
    yield Asked(
        kind,
        "in-order",
        f'Write one sentence about {topic} in which the word "{word}" comes before the word "{other}".',
        rf"(?is)(?!.*\b{other}\b.*\b{word}\b).*\b{word}\b.*\b{other}\b.*",
        f"From {word} to {other}.",
        f"From {other} to {word}.",
    )
    yield Asked(
        kind,
        "shouted",
        f'Write one sentence about {topic} with the word "{word}" in capital letters.',
        rf"(?s).*\b{word.upper()}\b.*",
        f"The {word.upper()} is here.",
        f"The {word} is here.",
    )


def _letters(topic: str) -> Iterator[Asked]:
    kind = "letters"
    yield Asked(
        kind,
        "lower-case",
        f"Write one sentence about {topic}, all in lower case letters.",
        r"(?s)(?!.*\p{Lu}).*\p{Ll}.*",
        "it is good.",
        "It is good.",
    )
    yield Asked(
        kind,
        "upper-case",
        f"Write one sentence about {topic}, all in capital letters.",
        r"(?s)(?!.*\p{Ll}).*\p{Lu}.*",
        "IT IS GOOD.",
        "It is good.",
    )
    yield Asked(
        kind,
        "no-comma",
        f"Write two sentences about {topic} without any comma.",
        r"(?s)(?!.*,).*\w.*",
        "It is good.",
        "It is good, and old.",
    )
    yield Asked(
        kind,
        "no-digits",
        f"Write two sentences about {topic} without any digits.",
        r"(?s)(?!.*\d).*\w.*",
        "It is good.",
        "It has 2 sides.",
    )
    yield Asked(
        kind,
        "a-number",
        f"Write one sentence about {topic} that contains a number written in digits.",
        r"(?s).*\d.*",
        "It has 2 sides.",
        "It has two sides.",
    )
    yield Asked(
        kind,
        "no-exclamation",
        f"Write an advertisement of one or two sentences for {topic} without an exclamation mark.",
        r"(?s)(?!.*!).*\w.*",
        "Come and see.",
        "Come and see!",
    )


def _edges(topic: str, word: str, ending: str) -> Iterator[Asked]:
    kind, plain = "beginning and end", ending.rstrip(".")
    yield Asked(
        kind,
        "ends-with",
        f'Write two sentences about {topic}, then end with exactly these words: "{ending}"',
        rf'(?s).*\w.*{plain}\.?["*\s]*',
        f"It is good. {ending}",
        "It is good.",
    )
    yield Asked(
        kind,
        "begins-with",
        f'Write two sentences about {topic}. Begin the answer with the word "{word.capitalize()}".',
        rf'(?s)["*\s]*{word.capitalize()}\b.*',
        f"{word.capitalize()} it is.",
        f"The {word} is here.",
    )
    yield Asked(
        kind,
        "question",
        f"Ask one question about {topic}. Write nothing but the question.",
        r'\s*[^.!?\n]*\w[^.!?\n]*\?["*\s]*',
        "Is it good?",
        "It is good.",
    )
    yield Asked(
        kind,
        "quoted",
        f"Write one sentence about {topic} and put the whole answer in double quotation marks.",
        r'(?s)\s*["\u201c\u201e][^"\u201c\u201d]*\w[^"\u201c\u201d]*["\u201d\u201c]\s*',
        '"It is good."',
        "It is good.",
    )
    yield Asked(
        kind,
        "postscript",
        f'Write two sentences about {topic} and add a postscript that begins with "P.S."',
        r"(?s).*\w.*\bP\.\s?S\..*\w.*",
        "It is good.\n\nP.S. It is old.",
        "It is good.",
    )
    yield Asked(
        kind,
        "title",
        f"Write two sentences about {topic} under a title in double angular brackets, such as <<joy>>.",
        r"(?s)\s*<<[^<>\n]+>>.*\w.*",
        "<<old>>\nIt is good.",
        "Old\nIt is good.",
    )


def _layout(topic: str, n: int) -> Iterator[Asked]:
    kind, number = "layout", _NUMBERS[n]
    bullet, digit = r"[ \t]*[*-] \S.*", r"[ \t]*\d+[.)] \S.*"
    yield Asked(
        kind,
        "bullets",
        f"Name {number} things about {topic} as bullet points that begin with a hyphen or an asterisk. Write nothing else.",
        rf"\s*{bullet}(?:\n+{bullet}){{{n - 1}}}\s*",
        "\n".join(["- old"] * n),
        "\n".join(["- old"] * (n + 1)),
    )
    yield Asked(
        kind,
        "numbered",
        f"Name {number} things about {topic} as a numbered list. Write nothing else.",
        rf"\s*{digit}(?:\n+{digit}){{{n - 1}}}\s*",
        "\n".join(f"{i}. old" for i in range(1, n + 1)),
        "\n".join(["- old"] * n),
    )
    yield Asked(
        kind,
        "paragraphs",
        f"Write two short paragraphs about {topic}, with one line of three asterisks (***) between them.",
        r"(?s)(?>(?:(?!\n\s*\*\*\*).)+)\n\s*\*\*\*\s*\n(?>(?:(?!\*\*\*).)+)",
        f"{_TALK}\n\n***\n\n{_TALK}",
        f"{_TALK}\n\n{_TALK}",
    )
    yield Asked(
        kind,
        "one-line",
        f"Write three words about {topic}, separated by semicolons, on one line. Write nothing else.",
        r"\s*[^;\n]*\w[^;\n]*;[^;\n]*\w[^;\n]*;[^;\n]*\w[^;\n]*\s*",
        "old; good; calm",
        "old, good, calm",
    )
    yield Asked(
        kind,
        "section",
        f"Write about {topic} in two parts. Head them with lines that say PART 1 and PART 2.",
        r"(?sm).*^\W*PART 1\W*$.*\w.*^\W*PART 2\W*$.*\w.*",
        "PART 1\nIt is old.\nPART 2\nIt is good.",
        "It is old.\nIt is good.",
    )
    yield Asked(
        kind,
        "bold",
        f"Write one sentence about {topic} and set exactly one word of it in bold with two asterisks on each side.",
        r"(?s)[^*]*\*\*[\w'-]+[.,!?]?\*\*[^*]*",
        "It is **old**.",
        "It is old.",
    )
