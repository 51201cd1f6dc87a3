"""Text that cannot hide anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.safe import one_line, shorten, visible

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
KEPT = {"\n", "\t", "\u200c", "\u200d"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("safe \u202etxt.exe", "safe ⟦U+202E⟧txt.exe"),
        ("\x1b[31mred", "⟦U+001B⟧[31mred"),
        ("a\x00b\x7f", "a⟦U+0000⟧b⟦U+007F⟧"),
        ("half \ud83d", "half ⟦U+D83D⟧"),
        ("tag\U000e0041", "tag⟦U+E0041⟧"),
        ("two\r\nlines\r", "two\nlines⟦U+000D⟧"),
        ("👩\u200d🚀 نمی\u200cخواهم", "👩\u200d🚀 نمی\u200cخواهم"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """What cannot be seen, or reorders a line, is shown as its code point."""
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(max_codepoint=0xFFFF)))
def test_nothing_invisible_is_left_of_the_common_plane(text: str) -> None:
    """No control, format or surrogate character survives but line feed, tab and joiners."""
    listed = {c for c in visible(text) if unicodedata.category(c) in INVISIBLE} - KEPT
    assert {c for c in listed if c not in _HARMLESS} == set()


_HARMLESS = {chr(c) for c in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2)}
"""Arabic and Syriac number marks: format characters that are drawn."""


def test_one_line_joins_and_cuts() -> None:
    """A text becomes one line that ends with an ellipsis where it was cut."""
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert shorten("exactly", 7) == "exactly"
