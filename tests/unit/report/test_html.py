"""The HTML: valid, self-contained, closed to what answers may try, and equal for equal runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from evalkit.report import render_html
from evalkit.report.html import content_policy
from tests.unit.report.builder import HOSTILE
from tests.unit.report.conftest import PageOf, ViewOf, view_of_run
from tests.unit.report.scenarios import SCENARIOS

VOID = {"meta", "input", "br", "hr", "img", "link", "rect", "circle", "line", "path"}
SHELL = 300_000
RUNS = ["promote", "overfit", "inconclusive", "incomplete", "two", "hostile"]


class Page(HTMLParser):
    """Elements with their attributes and texts; fails on a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        assert len(attrs) == len(dict(attrs)), f"<{tag}> has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which has to be this one."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text of the innermost element."""
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of one kind."""
        return [attrs for name, attrs in self.tags if name == tag]


def blocks(page: str, tag: str) -> list[str]:
    """Return the contents of the elements ``tag`` without attributes."""
    return re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)


def unpack(text: str) -> Any:
    """Return the JSON of a data block."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def data(page: str) -> tuple[Any, list[Any]]:
    """Return the index and the texts of all cases of a page."""
    found = re.findall(r'<script \w+="cases-(\w+)" type="[\w/-]+">(.*?)</script>', page)
    texts = [text for name, content in found if name == "block" for text in unpack(content)]
    return unpack(next(content for name, content in found if name == "index")), texts


@pytest.mark.parametrize("name", RUNS)
def test_equal_runs_give_equal_bytes(view_of: ViewOf, page_of: PageOf, name: str) -> None:
    """Building and rendering again gives the same text."""
    again = render_html(view_of_run(SCENARIOS[name]()))
    assert again == page_of(name) == render_html(view_of(name))


@pytest.mark.parametrize("name", RUNS)
def test_the_page_is_well_formed(page_of: PageOf, name: str) -> None:
    """Every element is closed in order, no attribute stands twice, no id is used twice."""
    page = Page(page_of(name))
    ids = Counter(a["id"] for _, a in page.tags if "id" in a)
    assert [i for i, n in ids.items() if n > 1] == []


@pytest.mark.parametrize("name", RUNS)
def test_links_and_labels_lead_somewhere(page_of: PageOf, name: str) -> None:
    """Every link within the page and every reference of a label has its target."""
    page = Page(page_of(name))
    ids = {a["id"] for _, a in page.tags if "id" in a}
    wanted = [str(a["href"]).removeprefix("#") for a in page.all("a")]
    wanted += [i for _, a in page.tags for i in str(a.get("aria-labelledby") or "").split()]
    assert [i for i in wanted if i not in ids] == []


@pytest.mark.parametrize("name", RUNS)
def test_every_drawing_is_described(page_of: PageOf, name: str) -> None:
    """Each SVG is an image with a title and a description, and its figure has a caption."""
    page = Page(page_of(name))
    drawings = page.all("svg")
    assert drawings
    assert len(page.all("title")) == len(drawings) + 1
    assert len(page.all("desc")) == len(drawings)
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in drawings)
    assert len(page.all("figcaption")) == len(page.all("figure"))


@pytest.mark.parametrize("name", RUNS)
def test_the_policy_names_the_blocks_of_the_page(page_of: PageOf, name: str) -> None:
    """The hashes of the content policy are those of the one style and the one script."""
    page = page_of(name)
    metas = Page(page).all("meta")
    policy = next(m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy")
    (style,), (script,) = blocks(page, "style"), blocks(page, "script")
    assert policy == content_policy(style, script)
    for text in (style, script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in str(policy)
    assert str(policy).startswith("default-src 'none'; ")
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_loaded_or_run_from_attributes(page_of: PageOf, name: str) -> None:
    """No style and no handler in an attribute, no element or link that leads out of the page."""
    page = Page(page_of(name))
    for tag, attrs in page.tags:
        assert not [a for a in attrs if a == "style" or a.startswith("on")], tag
        assert "src" not in attrs
    assert all(str(a["href"]).startswith("#") for a in page.all("a"))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "iframe", "object", "embed", "link", "base", "audio", "video"}
    kinds = {a.get("type") for a in page.all("script")}
    assert kinds == {None, "application/octet-stream"}


@pytest.mark.parametrize("text", HOSTILE[:4] + HOSTILE[5:6])
def test_hostile_text_is_escaped(page_of: PageOf, text: str) -> None:
    """What an answer says is text: it neither stands in the source as it is, nor is it lost."""
    page = page_of("hostile")
    assert text not in page
    shown = " ".join(t for texts in Page(page).texts.values() for t in texts)
    assert text.split(maxsplit=1)[0].rstrip("<")[:12] in shown


def test_no_character_reorders_or_hides(page_of: PageOf) -> None:
    """Controls and overrides are shown as symbols, in the page and in its data."""
    page = page_of("hostile")
    index, texts = data(page)
    everything = page + json.dumps([index, texts], ensure_ascii=False)
    for char in "\u202e\u202c\u2066\u2069\u200b\x07\x1b\x00\x7f\x85\u2028\U000e0041":
        assert char not in everything
    assert "⟦U+202E⟧" in page
    assert "⟦U+001B⟧" in json.dumps(texts, ensure_ascii=False)
    page.encode("utf-8")


def test_the_printed_header_is_closed_to_names(page_of: PageOf) -> None:
    """A run's id gets into the style only by its letters and digits."""
    (style,) = blocks(page_of("hostile"), "style")
    header = style.splitlines()[-1]
    assert header.count('"') == 2
    assert "onmouseover" in header
    assert "(" not in header
    assert "=" not in header


@pytest.mark.parametrize("name", RUNS)
def test_the_page_holds_every_case(view_of: ViewOf, page_of: PageOf, name: str) -> None:
    """The data of the page's script are the cases of the view, texts in the order of the rows."""
    index, texts = data(page_of(name))
    cases = view_of(name).cases
    assert [r[1:4] for r in index["rows"]] == [[c.suite, c.id, c.status] for c in cases]
    assert [t[1] for t in texts] == [c.expected for c in cases]
    assert index["pairs"] == [[c.base, c.candidate] for c in view_of(name).candidates]


@pytest.mark.parametrize("name", RUNS)
def test_the_shell_is_small(page_of: PageOf, name: str) -> None:
    """Without cases the page stays within its budget."""
    shell = re.sub(r'<script \w+="cases-.*?</script>', "", page_of(name))
    shell = re.sub(r'<details class="flip .*?</details>', "", shell, flags=re.DOTALL)
    assert len(shell.encode()) <= SHELL


def test_ten_thousand_cases_stay_a_small_file(page_of: PageOf) -> None:
    """A run of 10,000 short cases is mailed without a thought."""
    page = page_of("large")
    index, texts = data(page)
    assert len(index["rows"]) == len(texts) == 10_000
    assert len(page.encode()) < 3_000_000
    assert page.count('<details class="flip ') <= 70


def test_the_page_says_its_decision_without_a_script(page_of: PageOf) -> None:
    """Decision, findings and worst flips are in the page itself; the rest says what is missing."""
    page = page_of("overfit")
    static = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for text in ("Do not promote", "Got worse", "What to do next", "triage / heldout-001"):
        assert text in static
    assert "<noscript>" in static


def test_sections_are_anchored_in_order(page_of: PageOf) -> None:
    """The anchors that other outputs link to are all there."""
    found = re.findall(r'<section id="(\w+)"', page_of("two"))
    assert found == ["decision", "changes", "overfitting", "flips", "cases", "method"]


def test_missing_things_are_said(page_of: PageOf) -> None:
    """Without training cases, slices or a caveat their places say so or are empty."""
    page = page_of("inconclusive")
    assert "cannot tell learning from memorising" in page
    assert "<h3>Slices</h3>" not in page
    assert "decides nothing" not in page
    assert "decides nothing" in page_of("incomplete")


def test_headings_do_not_skip_a_level(page_of: PageOf) -> None:
    """Readers who move by headings find no gap."""
    for name in RUNS:
        levels = [int(tag[1]) for tag, _ in Page(page_of(name)).tags if re.fullmatch(r"h\d", tag)]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
