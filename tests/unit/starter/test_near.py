"""Near texts are found without comparing all of them, and shared frames do not count."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance.Indel import normalized_similarity

from evalkit.starter.near import FRAME_LEAST, ROUNDING, near_pairs, unframed

WORDS = st.sampled_from("abcdefghij")
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=12).map(tuple), max_size=20, unique=True)


@given(TEXTS, st.sampled_from([0.6, 0.75, 0.85, 0.9]))
@settings(deadline=None)
def test_no_near_pair_is_lost(texts: list[tuple[str, ...]], least: float) -> None:
    """The pairs are those of comparing each text with each."""
    found = {tuple(sorted(pair)) for pair in near_pairs(texts, least)}
    assert found == {
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if normalized_similarity(texts[i], texts[j]) >= least - ROUNDING
    }


def test_an_instruction_that_all_share_makes_nothing_near() -> None:
    """Different tickets under one long instruction stay different; a change of a word is near."""
    frame = tuple(f"please{n}" for n in range(40))
    texts = [(*frame, *(f"w{(n + 7) ** k % 499}" for k in range(1, 9))) for n in range(60)]
    assert list(near_pairs(texts, 0.85)) == []
    changed = (*texts[7][:-1], "other")
    assert [*near_pairs([*texts, changed], 0.85)] == [(7, 60)]


def test_a_frame_needs_many_texts() -> None:
    """What twenty texts share is what they say."""
    texts = [("where", "is", "my", "order", str(n)) for n in range(FRAME_LEAST)]
    assert unframed(texts) == texts
    assert unframed([*texts, ("where", "is", "my", "order", "x")])[0] == ("0",)


def test_the_middle_of_long_texts_is_not_looked_at() -> None:
    """Two books that begin and end alike are near."""
    ends = tuple(f"w{n}" for n in range(400))
    one, other = ((*ends[:200], *(f"{c}{n}" for n in range(900)), *ends[200:]) for c in "ab")
    assert list(near_pairs([one, other], 0.85)) == [(0, 1)]
