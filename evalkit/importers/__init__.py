"""Files of other tools to suites and scored answers. Nothing that stands in them is executed.

An importer reads one path and returns `Definitions` (suites to write) or a `Log` (scored answers).
What it cannot take over it names in notes; what is malformed raises `FileFaults`.
"""

from __future__ import annotations

from evalkit.importers.formats import FORMATS, Request, read
from evalkit.importers.found import Defined, Definitions, Log, Note
from evalkit.importers.gather import Gathered, Mean, Wanted, gather
from evalkit.importers.sound import sound
from evalkit.importers.write import write_definitions

__all__ = [
    "FORMATS",
    "Defined",
    "Definitions",
    "Gathered",
    "Log",
    "Mean",
    "Note",
    "Request",
    "Wanted",
    "gather",
    "read",
    "sound",
    "write_definitions",
]
