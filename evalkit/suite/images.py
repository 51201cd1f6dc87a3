"""Images in prompts: told by their first bytes, sent as data URLs, shown as a few words."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

_KINDS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
KNOWN = "PNG, JPEG, GIF or WebP"
"""The kinds of images that endpoints take."""

_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]{0,100},")


def data_url(content: bytes) -> str | None:
    """Return an image's bytes as a data URL; ``None`` if they are no PNG, JPEG, GIF or WebP."""
    kind = next((name for magic, name in _KINDS if magic.match(content)), None)
    if kind is None:
        return None
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def image_url(part: Mapping[str, Any]) -> str | None:
    """Return the URL of a content part that is an image, else ``None``."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) else None


def shown_url(url: str) -> str:
    """Return a URL as it stands, a data URL as its kind and size: it may have megabytes."""
    data = _DATA.match(url)
    if data is None:
        return url
    size = (len(url) - data.end()) * 3 // 4 - url[-2:].count("=")
    return f"[{data[1] or 'data'}, {size:,} bytes]"


def shown_part(part: object) -> str:
    """Return a content part as readers see it: its text, or an image's URL; empty for others."""
    if not isinstance(part, Mapping):
        return ""
    url = image_url(part)
    return shown_url(url) if url is not None else str(part.get("text", ""))
