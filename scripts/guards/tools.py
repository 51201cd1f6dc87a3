"""Requests that one tool serves with arguments that stand in the text, and some that none serves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from scripts.guards.case import Made

EACH = 5
CITIES = ("Bern", "Porto", "Ghent", "Oslo", "Lyon", "Graz", "Turin", "Cork")
NAMES = ("Ada", "Ben", "Clara", "Deniz", "Elif", "Gita", "Hugo", "Kofi")
GOODS = ("kettle", "desk lamp", "backpack", "tent", "mirror", "bookshelf", "umbrella", "suitcase")
TEXTS = (
    "I am on my way",
    "the meeting is at noon",
    "dinner is ready",
    "see you tomorrow",
    "the train is late",
)
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "SEK")
TEMPLATES: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("weather-now", "get_weather", "What is the weather like in {city} today?", {"city": "city"}),
    ("weather-coat", "get_weather", "Do I need a coat in {city} right now?", {"city": "city"}),
    ("weather-picnic", "get_weather", "We want to have a picnic in {city} this afternoon. Look up whether it rains there.", {"city": "city"}),
    ("weather-trip", "get_weather", "I am in {city}. Check the weather for me, please.", {"city": "city"}),
    ("weather-compare", "get_weather", "My aunt says it is warm in {city}. Is that true?", {"city": "city"}),
    ("weather-short", "get_weather", "Weather in {city}?", {"city": "city"}),
    ("timer-eggs", "set_timer", "The eggs need {n} minutes. Start a timer.", {"minutes": "n"}),
    ("timer-plain", "set_timer", "Set a timer for {n} minutes.", {"minutes": "n"}),
    ("timer-nap", "set_timer", "I am taking a nap. Wake me in {n} minutes.", {"minutes": "n"}),
    ("timer-pause", "set_timer", "We make a break of {n} minutes. Tell us when it is over.", {"minutes": "n"}),
    ("timer-tea", "set_timer", "Tea, {n} minutes, please count.", {"minutes": "n"}),
    ("timer-wash", "set_timer", "The laundry takes another {n} minutes. Let me know when it is done.", {"minutes": "n"}),
    ("convert-plain", "convert_currency", "Convert {amount} {source} to {target}.", {"amount": "amount", "from": "source", "to": "target"}),
    ("convert-trip", "convert_currency", "I have {amount} {source} left from a trip. How much {target} do I get for it?", {"amount": "amount", "from": "source", "to": "target"}),
    ("convert-price", "convert_currency", "A jacket costs {amount} {source}. What is that in {target}?", {"amount": "amount", "from": "source", "to": "target"}),
    ("convert-bill", "convert_currency", "The bill is {amount} {source}, but I pay in {target}. How much is it?", {"amount": "amount", "from": "source", "to": "target"}),
    ("convert-rent", "convert_currency", "Someone earns {amount} {source}. Tell me the amount in {target} at today's rate.", {"amount": "amount", "from": "source", "to": "target"}),
    ("convert-short", "convert_currency", "{amount} {source} in {target}?", {"amount": "amount", "from": "source", "to": "target"}),
    ("search-max", "search_products", "Find a {item} for at most {amount} euros.", {"query": "item", "max_price": "amount"}),
    ("search-budget", "search_products", "My budget is {amount} euros. Show me what you have as a {item}.", {"query": "item", "max_price": "amount"}),
    ("search-gift", "search_products", "I need a {item} as a present, no more than {amount} euros.", {"query": "item", "max_price": "amount"}),
    ("search-under", "search_products", "Search the shop: {item}, not above {amount} euros.", {"query": "item", "max_price": "amount"}),
    ("search-broken", "search_products", "Our {item} is broken. Look for another one that costs {amount} euros or less.", {"query": "item", "max_price": "amount"}),
    ("search-short", "search_products", "{item}, maximum {amount} euros, please.", {"query": "item", "max_price": "amount"}),
    ("message-tell", "send_message", 'Send {name} this message: "{text}"', {"to": "name", "text": "text"}),
    ("message-write", "send_message", 'Write to {name} exactly this: "{text}"', {"to": "name", "text": "text"}),
    ("message-phone", "send_message", 'I cannot reach my phone. Text {name} "{text}" for me.', {"to": "name", "text": "text"}),
    ("message-let", "send_message", 'Let {name} know, in these words: "{text}"', {"to": "name", "text": "text"}),
    ("message-short", "send_message", 'Message to {name}: "{text}"', {"to": "name", "text": "text"}),
    ("message-late", "send_message", '{name} is waiting. Please send "{text}".', {"to": "name", "text": "text"}),
    ("both-weather", "get_weather", "What is the weather like in {city} and in {city2}? Look up both.", {"city": "city"}),
    ("both-timers", "set_timer", "Start two timers, one of {n} minutes and one of {n2} minutes.", {"minutes": "n"}),
    ("none-thanks", "", "Thank you, {name} and I are very happy with it.", {}),
    ("none-sum", "", "What is {n} plus {n2}? I would like to see how you work it out.", {}),
    ("none-poem", "", "Write two lines of verse about a {item}.", {}),
    ("none-capital", "", "In which country is {city}?", {}),
    ("none-spelling", "", 'How do you spell the word "{item}"?', {}),
    ("none-opinion", "", "Is {name} more often a first name or a surname?", {}),
    ("none-history", "", "When was paper money invented, roughly? I hold a note of {amount} {source}.", {}),
    ("none-explain", "", "Explain in one sentence what a {item} is for.", {}),
)  # fmt: skip
_SECOND = {"both-weather": {"city": "city2"}, "both-timers": {"minutes": "n2"}}


def cases(rng: random.Random) -> Iterator[Made]:
    """Yield the cases: each template with several fillers."""
    for name, tool, text, fields in TEMPLATES:
        seen: set[str] = set()
        while len(seen) < EACH:
            values = _values(rng)
            prompt = text.format(**values)
            if prompt in seen:
                continue
            seen.add(prompt)
            calls = [_call(tool, fields, values)] if tool else []
            if name in _SECOND:
                calls.append(_call(tool, _SECOND[name], values))
            yield Made(
                name, prompt, calls, calls or "Gladly.", _wrong(calls), {"tool": tool or "none"}
            )


def _values(rng: random.Random) -> dict[str, Any]:
    city, city2 = rng.sample(CITIES, 2)
    source, target = rng.sample(CURRENCIES, 2)
    n, n2 = rng.sample(range(3, 60), 2)
    return {
        "city": city, "city2": city2, "n": n, "n2": n2, "amount": rng.randrange(20, 900, 5),
        "source": source, "target": target, "item": rng.choice(GOODS), "name": rng.choice(NAMES),
        "text": rng.choice(TEXTS),
    }  # fmt: skip


def _call(tool: str, fields: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    return {"name": tool, "arguments": {key: values[name] for key, name in fields.items()}}


def _wrong(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return calls with one argument that does not stand in the text, or one call too many."""
    if not calls:
        return [{"name": "get_weather", "arguments": {"city": "Rome"}}]
    first = calls[0]
    changed = {
        key: "Rome" if isinstance(v, str) else v + 1 for key, v in first["arguments"].items()
    }
    return [{**first, "arguments": changed}, *calls[1:]]
