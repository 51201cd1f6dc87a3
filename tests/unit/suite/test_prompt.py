"""Prompts: rendered in a sandbox, strict about variables, and never random."""

from __future__ import annotations

import pytest

from evalkit.suite.prompt import Prompt, PromptError, compile_prompt

from .trees import document


def prompt(text: str) -> Prompt:
    """Return a compiled prompt of one text."""
    compiled, faults = compile_prompt(document({}), text)
    assert faults == []
    assert compiled is not None
    return compiled


def rendered(text: str, **variables: object) -> str:
    """Return the text of the only message."""
    [message] = prompt(text).render(variables)
    assert message["role"] == "user"
    return str(message["content"])


def test_a_text_is_a_user_message_and_a_list_a_chat() -> None:
    """Every message is a template of its own; line ends stay."""
    assert rendered("Say {{ what }}!\n", what="hi") == "Say hi!\n"
    compiled, _ = compile_prompt(
        document({}),
        [{"role": "system", "content": "Be {{ a }}."}, {"role": "user", "content": "{{ b }}"}],
    )
    assert compiled is not None
    assert compiled.render({"a": "kind", "b": "<b>"}) == (
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "<b>"},
    )


def test_values_are_not_templates() -> None:
    """A ticket that holds braces is asked as it is."""
    assert rendered("{{ t }}", t="{{ 7 * 7 }}") == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ ticket }}", "no value for 'ticket'; the case has: lang, n"),
        ("{% if ticket %}x{% endif %}", "no value for 'ticket'"),
        ("{{ range(3) }}", "no value for 'range'"),
        ("{{ lipsum() }}", "no value for 'lipsum'"),
        ("{{ lang.size }}", "no attribute 'size'"),
        ("{{ lang.__class__ }}", "SecurityError"),
        ("{{ 1 / n }}", "ZeroDivisionError"),
        ("{{ lang + n }}", "TypeError"),
        ("{{ '%q'|format(n) }}", "ValueError"),
    ],
)
def test_what_cannot_be_rendered_says_why(text: str, why: str) -> None:
    """Missing variables are named beside those there are; nothing inside is reached."""
    with pytest.raises(PromptError) as error:
        prompt(text).render({"n": 0, "lang": "en"})
    assert why in str(error.value)


@pytest.mark.parametrize(
    "text", ["{{ [nope] }}", "{{ (n, nope) }}", "{{ {'a': [nope]} }}", "{{ [nope] | join }}"]
)
def test_a_missing_variable_is_missed_inside_a_list_too(text: str) -> None:
    """What is shown by its parts is as strict as the parts."""
    with pytest.raises(PromptError) as error:
        prompt(text).render({"n": 0})
    assert error.value.missing == "nope"


def test_a_case_without_variables_is_told_so() -> None:
    """The message stays readable with nothing to list."""
    with pytest.raises(PromptError, match="the case has: no variables"):
        prompt("{{ ticket }}").render({})


@pytest.mark.parametrize("text", ["{{ a", "{% if %}", "{{ a|random }}", "{% for x in y %}"])
def test_a_template_that_is_none_is_a_fault(text: str) -> None:
    """Syntax and unknown filters, random ones among them, are found when the suite is read."""
    compiled, [told] = compile_prompt(document({}), text)
    assert compiled is None
    assert told.needed == "a Jinja2 template"


def test_every_broken_template_is_told() -> None:
    """Two messages with faults are two faults."""
    messages = [{"role": "system", "content": "{{"}, {"role": "user", "content": "{% x %}"}]
    assert len(compile_prompt(document({}), messages)[1]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 10**9 * ['a'] }}",
        "{{ 2**(10**9) }}",
        "{% set a = x %}" + "{% set a = a + a %}" * 30 + "{{ a }}",
        "{% set a = x %}" + "{% set a = a ~ a %}" * 30 + "{{ a }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ x|center(999999999) }}",
        "{{ x.ljust(999999999) }}",
        "{{ x|indent(999999999) }}",
        "{{ (x * 1000)|replace('e', x * 10000) }}",
        "{{ (x * 1000).replace('e', x * 10000) }}",
        "{{ (x * 10000).join(['a'] * 1000) }}",
        "{{ (['a'] * 1000)|join(x * 10000) }}",
        "{% for a in x * 100 %}{% for b in x * 100 %}{{ x * 100 }}{% endfor %}{% endfor %}",
    ],
)
def test_a_template_cannot_make_a_text_far_larger_than_itself(text: str) -> None:
    """Operators, filters, methods and loops are stopped before they take the memory."""
    with pytest.raises(PromptError, match=r"of a template|may make at most"):
        rendered(text, x="seven letters")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ '-' * 3 }}{{ 2 ** 3 }}{{ 7 % 4 }}{{ 1 + 1 }}", "---832"),
        ("{{ 'a' ~ 1 ~ x }}", "a1x"),
        ("{{ '%02d %s'|format(3, x) }}{{ '%s' % x }}{{ '{:>3}'.format(x) }}", "03 xx  x"),
        ("{{ [1, 2]|join(', ') }}{{ ', '.join(['a', 'b']) }}", "1, 2a, b"),
        ("{{ 'a\nb'|indent(2) }}{{ x.replace('x', 'yz') }}{{ x|center(3) }}", "a\n  byz x "),
        ("{{ {'a': [1]}|tojson(indent=1) }}", '{\n "a": [\n  1\n ]\n}'),
    ],
)
def test_what_templates_usually_do_is_as_it_was(text: str, result: str) -> None:
    """Small texts are made as Jinja2 makes them."""
    assert rendered(text, x="x") == result
