"""Prompts from files: includes, few-shot examples, tools and images."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import FileFaults
from evalkit.loader import prompt_files
from evalkit.loader.case_stream import load_streams
from evalkit.loader.prompt_files import read_templates, template_files
from evalkit.model import Suite
from evalkit.pipeline.plan import request
from evalkit.report.caselist import _content
from evalkit.runner.budget import longest

from .projects import chat, fault, ids, lines, loaded, where

Files = dict[str, str | bytes]
HEAD = "suite: sums\npurpose: target\ngraders: [{name: same, type: string_check, operation: eq}]\n"
CASE = "cases: [{vars: {q: one}, expected: x}]\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def the(root: Path, files: Files) -> Suite:
    """Return the only suite of a project."""
    [only] = loaded(root, files).suites
    return only


def asked(root: Path, prompt: str, **more: str | bytes) -> str:
    """Return the text of the only message of a suite with this prompt; ``a__b_c`` is ``a/b.c``."""
    files: Files = {name.replace("__", "/").replace("_", "."): text for name, text in more.items()}
    suite = the(root, {"sums/sums.yaml": HEAD + f"prompt: {json.dumps(prompt)}\n" + CASE, **files})
    return str(suite.cases[0].messages[-1]["content"])


def test_prompts_include_and_import_from_their_folder(tmp_path: Path) -> None:
    """Beside the suite or the project, the suite's own first; macros as well."""
    found = asked(
        tmp_path,
        '{% include "rules.j2" %}|{% from "lib/say.j2" import say %}{{ say(q) }}',
        sums__prompts__rules_j2="own {{ q }}",
        prompts__rules_j2="project's",
        prompts__lib__say_j2="{% macro say(x) %}<{{ x }}>{% endmacro %}",
    )
    assert found == "own one|<one>"


def test_included_templates_are_part_of_the_suites_digest(tmp_path: Path) -> None:
    """A change of one is a change of the suite; of a suite that includes none it is not."""
    text = HEAD + CASE + "prompt: '{% include \"a.j2\" %}'\n"
    plain = HEAD.replace("sums", "plain") + CASE + 'prompt: "{{ q }}"\n'
    files: Files = {"sums/sums.yaml": text, "plain/plain.yaml": plain, "prompts/a.j2": "a"}
    before = {s.name: s.digest for s in loaded(tmp_path, files).suites}
    after = {s.name: s.digest for s in loaded(tmp_path, {**files, "prompts/a.j2": "b"}).suites}
    assert before["sums"] != after["sums"]
    assert before["plain"] == after["plain"]


MISSING: dict[str, tuple[str, str, str, str]] = {
    "a name that is near": ('{% include "rule.j2" %}', "x", "sums/sums.yaml:4", "'rule.j2'"),
    "a path out of it": ('{% include "../sums.yaml" %}', "x", "sums/sums.yaml:4", "'../sums.yaml'"),
    "a broken file": ('{% include "rules.j2" %}', "x\n{{ q", "prompts/rules.j2:2", "unexpected"),
    "a file that includes no file": (
        '{% include "rules.j2" %}', '{% include "b" %}', "prompts/rules.j2:0", "'b'",
    ),
    "a missing variable in it": (
        '{% include "rules.j2" %}', "{{ nothing }}", "sums/sums.yaml:5", "'nothing'",
    ),
    "a name put together": ("{% include 'a' ~ q %}", "x", "sums/sums.yaml:5", "template 'aone'"),
    "a file in itself": (
        '{% include "rules.j2" %}', '{% include "rules.j2" %}', "sums/sums.yaml:5", "Recursion",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_template_that_cannot_be_had_is_told(tmp_path: Path, name: str) -> None:
    """At the prompt, or in the included file; missing variables as anywhere."""
    prompt, content, place, got = MISSING[name]
    text = HEAD + f"prompt: {json.dumps(prompt)}\n" + CASE
    told = fault(tmp_path, {"sums/sums.yaml": text, "prompts/rules.j2": content})
    assert where(tmp_path, told) == place
    assert got in told.got


def test_what_is_no_text_is_told_if_it_could_be_included(tmp_path: Path) -> None:
    """Other suites are free of it."""
    files: Files = {"prompts/logo.png": PNG, "prompts/a.j2": "x"}
    text = HEAD + CASE + 'prompt: "{{ q }}"\n'
    assert the(tmp_path, {"sums/sums.yaml": text, **files}).cases
    told = fault(tmp_path, {"sums/sums.yaml": text.replace("{{ q }}", "{% include 'a.j2' %}")})
    assert where(tmp_path, told) == "prompts/logo.png:0"


def test_a_template_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger is data."""
    monkeypatch.setattr(prompt_files, "MOST_TEMPLATE", 3)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/a.j2").write_text("four")
    _, [told] = read_templates(template_files([tmp_path]))
    assert told.got == "4"


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """Nor does a folder that is one; hidden files are left aside."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("k")
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret/key")
    (folder / "deep").symlink_to(tmp_path / "secret")
    (folder / ".hidden").write_text("h")
    (folder / "a.j2").write_text("x")
    assert list(template_files([tmp_path])) == ["a.j2"]


STEPS = st.lists(
    st.sampled_from(["..", ".", "a.j2", "secret", "/", "//", "~", "prompts", "\\"]), max_size=6
)


@given(steps=STEPS, keyword=st.sampled_from(["include", "import", "extends"]))
def test_no_template_reaches_outside_its_folder(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], keyword: str
) -> None:
    """Whatever path it names, written out or put together."""
    root = tmp_path_factory.mktemp("p")
    name = "/".join(steps) + "/secret"
    more = " as x %}{{ x.s }}" if keyword == "import" else " %}"
    for written in (json.dumps(name), f"q ~ {json.dumps(name)}"):
        text = HEAD + f"prompt: {json.dumps('{% ' + keyword + ' ' + written + more)}\n"
        files: Files = {
            "sums/sums.yaml": text + "cases: [{vars: {q: ''}, expected: x}]\n",
            "secret": "{% set s = 'SECRET' %}SECRET",
            "sums/secret": "SECRET",
            "prompts/a.j2": "x",
        }
        with pytest.raises(FileFaults) as error:
            loaded(root, files)
        assert all("SECRET" not in told.got for told in error.value.faults)


SHOTS = HEAD + (
    "prompt: [{role: system, content: s}, {role: user, content: '{{ q }}'}]\n"
    "datasets: [{path: held.jsonl, format: jsonl}]\n"
)
HELD = lines([{"id": f"h{n}", "vars": {"q": f"held {n}"}, "expected": "x"} for n in range(3)])
POOL = lines([{"vars": {"q": f"pool {n}"}, "expected": {"n": n}} for n in range(20)])


def shots(
    root: Path, extra: str = "count: 2, seed: 1", pool: str = POOL, held: str = HELD
) -> Suite:
    """Return the suite with examples out of ``pool.jsonl``."""
    text = SHOTS + f"few_shot: {{path: pool.jsonl, format: jsonl, {extra}}}\n"
    return the(root, {"sums/sums.yaml": text, "sums/held.jsonl": held, "sums/pool.jsonl": pool})


def test_examples_are_turns_before_the_question(tmp_path: Path) -> None:
    """The same ones before each case; an answer that is no text as JSON."""
    cases = shots(tmp_path).cases
    for case in cases:
        assert [m["role"] for m in case.messages] == ["system", *["user", "assistant"] * 2, "user"]
        assert case.messages[:-1] == cases[0].messages[:-1]
    question, answer = cases[0].messages[1:3]
    assert json.loads(answer["content"]) == {"n": int(question["content"].split()[1])}


def test_examples_depend_on_seed_and_content_only(tmp_path: Path) -> None:
    """Not on the order of the file; another seed draws others."""
    first = shots(tmp_path).cases[0].messages
    turned = "".join(reversed(POOL.splitlines(keepends=True)))
    assert shots(tmp_path, pool=turned).cases[0].messages == first
    assert shots(tmp_path, extra="count: 2, seed: 2").cases[0].messages != first


def test_no_example_asks_what_a_case_asks(tmp_path: Path) -> None:
    """In other spaces or capitals neither; what is left is drawn."""
    same = [{"vars": {"q": f" HELD  {n}"}, "expected": "leak"} for n in range(3)]
    suite = shots(tmp_path, extra="count: 20", pool=POOL + lines(same))
    assert all("HELD" not in m["content"] for m in suite.cases[0].messages)
    assert len(suite.cases[0].messages) == 2 + 2 * 20


def test_the_file_under_test_gives_no_examples(tmp_path: Path) -> None:
    """Unless rows of it are left out of the test."""
    text = SHOTS + "few_shot: {path: held.jsonl, format: jsonl, count: 1}\n"
    files: Files = {"sums/sums.yaml": text, "sums/held.jsonl": HELD}
    told = fault(tmp_path, files)
    assert told.got == "0 in held.jsonl; 3 more are cases of the suite"
    files["sums/sums.yaml"] = text.replace("jsonl}]", "jsonl, sample: 2}]")
    cases = the(tmp_path, files).cases
    assert cases[0].messages[1]["content"] not in {case.messages[-1]["content"] for case in cases}


def test_rows_of_chat_give_examples_of_chat(tmp_path: Path) -> None:
    """Without a prompt of the suite; calls of tools are no examples; a stream has the same."""
    call = {"role": "assistant", "tool_calls": [{"id": "1"}]}
    pool = [chat("p?", "a"), {"messages": [{"role": "user", "content": "t?"}, call]}]
    text = HEAD + (
        "datasets: [{path: held.jsonl, format: openai-chat}]\n"
        "few_shot: {path: pool.jsonl, format: openai-chat, count: 1}\n"
    )
    files: Files = {
        "sums/sums.yaml": text,
        "sums/held.jsonl": lines([chat("h?", "x")]),
        "sums/pool.jsonl": lines(pool),
    }
    suite = the(tmp_path, files)
    assert [m["content"] for m in suite.cases[0].messages] == ["p?", "a", "h?"]
    [stream] = load_streams(tmp_path / "evalkit.yaml", policy_file=None, environ={})[1]
    assert [case.id for case in stream.cases()] == ids(suite.cases)
    files["sums/sums.yaml"] = text.replace("pool.jsonl", "no.jsonl")
    assert fault(tmp_path, files).needed == "a data file for few_shot"
    files["sums/sums.yaml"] = text.replace("pool.jsonl", '"${trained_on}"')
    assert fault(tmp_path, files).needed == "the path of one file for few_shot"


def test_tools_of_a_suite_go_into_each_request(tmp_path: Path) -> None:
    """With its tool_choice; a row's own tools go before them."""
    tool = {"type": "function", "function": {"name": "f"}}
    own = {"type": "function", "function": {"name": "g"}}
    text = HEAD + (
        f"tools: [{json.dumps(tool)}]\ntool_choice: required\n"
        "datasets: [{path: r.jsonl, format: openai-chat}]\n"
    )
    rows = lines([chat("1", "x"), chat("2", "x", tools=[own])])
    suite = the(tmp_path, {"sums/sums.yaml": text, "sums/r.jsonl": rows})
    bodies = [request(suite, case, 0).body for case in suite.cases]
    assert [body["tools"] for body in bodies] == [[tool], [own]]
    assert all(body["tool_choice"] == "required" for body in bodies)


PICTURE = HEAD + (
    "prompt: [{role: user, content: ['{{ q }}', {image: '{{ image }}', detail: low}]}]\n"
    "cases: [{vars: {q: what, image: IMAGE}, expected: x}]\n"
)


def test_a_local_image_becomes_a_data_url(tmp_path: Path) -> None:
    """By its content; other bytes are another case and another stored answer."""
    files: Files = {"sums/sums.yaml": PICTURE.replace("IMAGE", "a.jpg"), "sums/a.jpg": PNG}
    suite = the(tmp_path, files)
    [case] = suite.cases
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert case.messages[0]["content"] == [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    other = the(tmp_path, {**files, "sums/a.jpg": PNG + b"1"})
    assert other.cases[0].id != case.id
    assert request(other, other.cases[0], 0).key("m") != request(suite, case, 0).key("m")


def test_urls_pass_and_empty_images_are_left_out(tmp_path: Path) -> None:
    """An image that a case does not have is no part of its prompt."""
    for written, parts in (("'https://a.b/c.png'", 2), ("' '", 1)):
        [case] = the(tmp_path, {"sums/sums.yaml": PICTURE.replace("IMAGE", written)}).cases
        assert len(case.messages[0]["content"]) == parts


@pytest.mark.parametrize(
    ("content", "got"),
    [(None, "No such file"), (b"<svg>", "none of PNG"), (PNG + b"0" * 60, "108 bytes")],
)
def test_what_is_no_image_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, got: str
) -> None:
    """A file that is missing, of another kind, or too large."""
    monkeypatch.setattr(prompt_files, "MOST_IMAGE", 100)
    files: Files = {"sums/sums.yaml": PICTURE.replace("IMAGE", "a.png")}
    told = fault(tmp_path, files | ({"sums/a.png": content} if content else {}))
    assert got in told.got
    assert where(tmp_path, told) == "sums/sums.yaml:5"


def test_a_part_is_a_text_or_an_image(tmp_path: Path) -> None:
    """Not both, and not neither."""
    for part in ("{image: a, text: b}", "{detail: low}", "{text: a, detail: low}"):
        text = HEAD + CASE + f"prompt: [{{role: user, content: [{part}]}}]\n"
        assert where(tmp_path, fault(tmp_path, {"sums/sums.yaml": text})) == "sums/sums.yaml:5"


def test_reports_and_estimates_have_no_base64(tmp_path: Path) -> None:
    """A placeholder with kind and size, and a size in tokens as endpoints count images."""
    big = PNG + b"\0" * 900_000
    files: Files = {"sums/sums.yaml": PICTURE.replace("IMAGE", "a.png"), "sums/a.png": big}
    suite = the(tmp_path, files)
    [case] = suite.cases
    assert _content(case.messages[0]) == f"what\n[image/png, {len(big):,} bytes]"
    assert 1_000 < longest(request(suite, case, 0)).input < 3_000
