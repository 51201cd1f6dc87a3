"""What the first answers of a run show: is each model the one asked for, and no copy of its base?

They are asked before all the rest, so that a wrong model costs a few calls instead of a whole run.
They must leave no reasonable doubt, as the decision looks at all answers in the end anyway:

- Another name answered: the rule of the decision, which would refuse the candidate.
- A copy of the base: in suites that must improve, `CASES` answers are equal word for word, and at
  least `FREE` of them are different texts of `WORDS` words or more. Only there tuned weights have
  to answer otherwise. Labels, numbers and short facts prove nothing: both models may know them.
  Even if tuning left every second answer as it was, all of `CASES` would be equal once in 65,000
  runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evalkit.decide.identity import answers_as, said
from evalkit.model import ModelSpec, Reply

CASES = 16
FREE = 8
WORDS = 8

Both = tuple[Reply, Reply]
"""The answers of base and candidate to one case."""

_WORD = re.compile(r"\w+")


def stranger(spec: ModelSpec, replies: Iterable[Reply]) -> str:
    """Return the name of another model that answered for ``spec``; empty if none did."""
    names = (reply.model for reply in replies if reply.model)
    return next((name for name in names if not answers_as(spec, name)), "")


def differ(pairs: Iterable[Both]) -> bool:
    """Return whether base and candidate are shown to be two models."""
    return any(said(base) != said(candidate) for base, candidate in pairs)


def copied(pairs: Sequence[Both]) -> bool:
    """Return whether base and candidate are shown to be one model."""
    free = {base.text for base, _ in pairs if len(_WORD.findall(base.text)) >= WORDS}
    return len(pairs) >= CASES and len(free) >= FREE and not differ(pairs)
