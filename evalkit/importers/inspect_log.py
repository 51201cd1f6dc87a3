"""Logs of Inspect: JSON, and ``.eval``, which is a zip of JSON members."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import Fault, FileFaults, SetupError
from evalkit.importers.found import Figure, Log, Mark, Note, Scored
from evalkit.importers.gather import as_text
from evalkit.importers.part import Part, finite, parse_json, read_json
from evalkit.loader.faults import shown
from evalkit.model import Failure, Message, Outcome, Reply, Usage

TOOL = "inspect"

_LETTERS: Mapping[str, float] = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What Inspect's `value_to_float` makes of its marks: correct, incorrect, partial, no answer."""

_WORDS: Mapping[str, float] = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_MEANS = ("accuracy", "mean")
_REDUCED = "mean"
_LONGEST_TAG = 80
_ZSTD = 93
_LOCAL_HEADER = 30
_MOST_EPOCHS = 10_000
MOST_UNPACKED = 256 * 2**20
"""Bytes that a member of an archive may hold: a small file can unpack to any size."""

_DAMAGED = (
    *(OSError, EOFError, RuntimeError, zipfile.BadZipFile),
    *(struct.error, zlib.error, ValueError),
)
"""What `zipfile` and the decompressors raise; `RuntimeError` for members with a password."""


def read_log(path: Path, model: str) -> Log:
    """Return the samples of a log, or of all logs in a folder; ``model`` is its name if given."""
    files = _files(path)
    rows: list[Scored] = []
    figures: list[Figure] = []
    notes: list[Note] = []
    for file in files:
        head, samples = _archive(file) if file.suffix == ".eval" else _json(file)
        facts = head["eval"]
        task = facts.text("task").rpartition("/")[2]
        who = model or facts.text("model")
        rows += [_row(sample, task, who) for sample in samples]
        figures += _figures(head, task, who)
        notes += _notes(head, task)
    return Log(TOOL, tuple(rows), tuple(files), tuple(figures), tuple(notes))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(f for f in path.iterdir() if f.suffix in (".eval", ".json"))
    if not files:
        needed, got = "logs of Inspect: .eval or .json", "none in this folder"
        raise FileFaults([Fault(shown(path), 0, needed, got, "the folder that --log-dir names")])
    return files


def _json(file: Path) -> tuple[Part, Iterator[Part]]:
    head = read_json(file)
    return head, iter(head["samples"].items())


def _archive(file: Path) -> tuple[Part, Iterator[Part]]:
    """Return the header of an archive, and its samples, which are unpacked one by one."""
    found = _members(file)
    return next(found), found


def _members(file: Path) -> Iterator[Part]:
    """Yield the members of an archive that count: the header, then the samples."""
    name = shown(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if "header.json" not in members:
                got = f"members {', '.join(list(members)[:5]) or 'none'}"
                raise _damaged(name, "a finished log, with a member header.json", got)
            yield parse_json(_member(archive, members["header.json"]), name)
            for member, info in members.items():
                if member.startswith("samples/"):
                    yield parse_json(_member(archive, info), f"{name}/{member}")
    except _DAMAGED as error:
        got = f"{type(error).__name__}: {error}"
        raise _damaged(name, "a log of Inspect, which is a zip archive", got[:300]) from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's content, if it is no larger than `MOST_UNPACKED`."""
    name = f"{shown(Path(str(archive.filename)))}/{info.filename}"
    if info.file_size > MOST_UNPACKED:
        needed = f"members of at most {MOST_UNPACKED // 2**20} MiB"
        raise _damaged(name, needed, f"{info.file_size / 2**20:.0f} MiB")
    if info.compress_type == _ZSTD:
        return _unpacked(archive, info)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        got = f"compression {info.compress_type}"
        raise _damaged(name, "members by deflate or Zstandard", got)
    with archive.open(info) as member:
        # `archive.read` would unpack what the member holds, whatever size it states.
        return member.read(info.file_size)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member of Zstandard, which Inspect uses, by pyarrow."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise SetupError(
            f"pyarrow, to read {archive.filename}: Inspect compresses with Zstandard",
            got="it is not installed",
            instead="pip install 'pytest-evalkit[store]', or inspect log convert --to json",
        ) from error
    file = archive.fp
    if file is None:
        raise RuntimeError("an archive that is closed")
    file.seek(info.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(_LOCAL_HEADER))
    file.seek(name + extra, 1)
    packed = file.read(info.compress_size)
    try:
        unpacked: bytes = pa.decompress(packed, info.file_size, codec="zstd", asbytes=True)
    except pa.ArrowException as error:
        raise _damaged(info.filename, "a member that can be unpacked", str(error)) from error
    return unpacked


def _damaged(name: str, needed: str, got: str) -> FileFaults:
    return FileFaults([Fault(name, 0, needed, got, "the whole file as Inspect wrote it")])


def _row(sample: Part, task: str, model: str) -> Scored:
    metadata = sample.value.get("metadata") or {}
    texts = {k: as_text(v) for k, v in metadata.items() if isinstance(v, str | int | float)}
    return Scored(
        task=task,
        case=sample["id"].scalar(),
        model=model,
        outcome=_outcome(sample),
        marks=dict(_marks(sample)),
        messages=_messages(sample.value.get("input")),
        expected=sample.value.get("target"),
        tags={name: text for name, text in texts.items() if len(text) <= _LONGEST_TAG},
        sample=_epoch(sample) - 1,
        source=sample.source,
    )


def _epoch(sample: Part) -> int:
    epoch = sample.count("epoch")
    if not 0 < epoch <= _MOST_EPOCHS:
        got = sample["epoch"].scalar()[:60]
        needed = f"an epoch from 1 to {_MOST_EPOCHS}"
        raise sample["epoch"].fault(needed, got=got, instead="epoch: 1")
    return epoch


def _outcome(sample: Part) -> Outcome:
    error = sample.get("error")
    if error is not None and not sample.value.get("scores"):
        return Failure("bad_response", error.text("message")[:300])
    output = sample.get("output") or sample.at({})
    choices = output.each("choices")
    first = choices[0] if choices else output.at({})
    message, usage = first.get("message"), output.get("usage") or output.at({})
    calls = message.value.get("tool_calls") if message else None
    return Reply(
        text=_content(output.value.get("completion") or ""),
        finish_reason=first.text("stop_reason") or "stop",
        model=output.text("model"),
        usage=Usage(usage.count("input_tokens"), usage.count("output_tokens")),
        latency_s=sample.quantity("working_time"),
        extra={"tool_calls": calls} if calls else {},
    )


def _messages(asked: Any) -> tuple[Message, ...]:  # noqa: ANN401  (a text or messages)
    if not isinstance(asked, list):
        return ({"role": "user", "content": as_text(asked)},)
    return tuple(
        {"role": m.get("role", "user"), "content": _content(m.get("content"))} for m in asked
    )


def _content(content: Any) -> str:  # noqa: ANN401  (a text or parts)
    if not isinstance(content, list):
        return as_text(content)
    return "\n".join(as_text(part.get("text", part)) for part in content)


def _marks(sample: Part) -> Iterator[tuple[str, Mark]]:
    """Yield the marks by scorer; a scorer that gives several values counts as several."""
    scores = sample.get("scores")
    for name, score in scores.members() if scores else ():
        value = score.value.get("value")
        reason = as_text(score.value.get("explanation"))[:160]
        if isinstance(value, dict):
            for key, item in value.items():
                yield f"{name}.{key}", _mark(item, reason)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield f"{name}.{number}", _mark(item, reason)
        else:
            yield name, _mark(value, reason)


def _mark(value: Any, reason: str) -> Mark:  # noqa: ANN401  (any value of a score)
    if not isinstance(value, bool | int | float | str):
        return Mark(None, reason or "no score")
    word = value if isinstance(value, str) else ""
    found = _LETTERS.get(word, _WORDS.get(word.lower(), finite(value)))
    return Mark(found, reason if found is not None else f"the score {value!r:.60} is no number")


def _figures(head: Part, task: str, model: str) -> Iterator[Figure]:
    """Yield accuracy or mean of each scorer, where epochs are reduced by their mean."""
    results = head.get("results")
    for score in results.each("scores") if results else ():
        name, scorer = score.text("name"), score.text("scorer")
        metrics: Iterable[tuple[str, Part]] = score["metrics"].members()
        values = [metric["value"] for key, metric in metrics if key in _MEANS]
        if values and score.text("reducer", _REDUCED) == _REDUCED:
            named = name if name == scorer else f"{scorer}.{name}"
            yield Figure(task, named, model, values[0].number())


def _notes(head: Part, task: str) -> Iterator[Note]:
    status = head.text("status", "success")
    if status != "success":
        yield Note(task, f"the run of the log did not end well: {status}")
