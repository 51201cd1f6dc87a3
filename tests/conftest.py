"""What all tests share: property tests without a deadline, for machines are shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("evalkit", deadline=None, max_examples=60)
settings.load_profile("evalkit")
