"""One suite file with its data files, checked, rendered and ready to be asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import Fault
from evalkit.graders import SuiteGrader, check, check_score
from evalkit.loader.datafile import file_digest
from evalkit.loader.datasets import Training, dataset_drafts, dataset_files
from evalkit.loader.faults import Faults
from evalkit.loader.find import suite_files
from evalkit.loader.schemas import read_schema
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Case, Sampling, Suite
from evalkit.suite import validate
from evalkit.suite.cases import build_cases, prompt_faults, slice_faults
from evalkit.suite.chat import only_text
from evalkit.suite.document import Document
from evalkit.suite.draft import TRAINED_ON, Draft, SuiteDraft
from evalkit.suite.parse import parse_suite


@dataclass(frozen=True, slots=True)
class Setting:
    """What a project says to all its suites; ``training`` is ``None`` if it could not be read.

    ``continues`` names a model that continues one text and takes no conversation, if there is any.
    """

    sampling: Sampling
    allow_code: bool
    training: Training | None
    continues: str = ""


def suite_documents(
    folder: Path, *, aside: Sequence[Path], faults: Faults
) -> Iterator[tuple[Path, Document | None]]:
    """Yield the suites below ``folder``: the YAML files with a key ``suite`` at their top.

    A file that bears its folder's name is meant to be one, whatever it holds, and one that cannot
    be read, which comes as ``None``, may have been.
    """
    for path in suite_files(folder, aside=aside):
        document, found = read_yaml(path)
        meant = path.stem == path.parent.name and path.parent != folder
        suite = (
            document is not None and isinstance(document.tree, dict) and "suite" in document.tree
        )
        if document is None or suite or meant:
            faults.add(found)
            yield path, document


def load_suite(path: Path, document: Document, setting: Setting, faults: Faults) -> Suite:
    """Return the suite in ``document``; it is whole only if nothing was added to ``faults``."""
    before = len(faults)
    checked = validate.check(document, read_schema("suite"))
    draft, more = parse_suite(checked, setting.sampling)
    faults.add([*checked.faults, *more, *_grader_faults(checked, draft, setting)])
    rows, files = _rows(draft, path.parent, setting, faults)
    cases = _cases(draft, [*draft.cases, *rows], faults)
    suite = Suite(
        name=draft.name,
        purpose=draft.purpose,
        cases=cases,
        graders=draft.graders,
        score=draft.score,
        sampling=draft.sampling,
        margin=draft.margin,
        description=draft.description,
        digest=_digest([path, *files]),
        source=document.source("suite"),
    )
    if len(faults) == before:
        faults.add(_case_faults(suite, setting))
    return suite


def _rows(
    draft: SuiteDraft, folder: Path, setting: Setting, faults: Faults
) -> tuple[list[Draft], list[Path]]:
    """Return the drafts of all data sets, and the files that belong to the suite alone."""
    case_schema = read_schema("suite")["$defs"]["case"]
    drafts: list[Draft] = []
    own: list[Path] = []
    for dataset in draft.datasets:
        files = dataset_files(dataset, folder, training=setting.training, faults=faults)
        drafts += dataset_drafts(dataset, files, case_schema=case_schema, faults=faults)
        own += [] if dataset.path == TRAINED_ON else list(files)
    return drafts, own


def _cases(suite: SuiteDraft, drafts: Sequence[Draft], faults: Faults) -> tuple[Case, ...]:
    """Return the rendered cases, none if there is no prompt to render."""
    missing = prompt_faults(suite, drafts)
    faults.add(missing)
    if missing or (suite.prompt is None and not suite.rows_ask):
        return ()
    cases, more = build_cases(suite, drafts)
    faults.add([*more, *slice_faults(suite, cases)])
    return cases


def _grader_faults(
    checked: validate.Checked, draft: SuiteDraft, setting: Setting
) -> Iterator[Fault]:
    for spec in draft.graders:
        yield from check(spec, allow_code=setting.allow_code)
    if draft.score and checked.sound("graders"):
        names = [spec.name for spec in draft.graders]
        yield from check_score(draft.score, names, checked.document.source("score"))


def _case_faults(suite: Suite, setting: Setting) -> Iterator[Fault]:
    """Yield what is wrong with the cases of a suite that is sound so far."""
    where = suite.source
    if not any(case.split == "heldout" for case in suite.cases):
        needed, got = "at least one held-out case", "an empty suite"
        instead = "cases: [{vars: {...}, expected: ...}], or datasets with rows"
        yield Fault(where.path, where.line, needed, got, instead)
    if setting.continues:
        yield from _conversation_faults(suite, setting.continues)
    grader = SuiteGrader(suite, allow_code=setting.allow_code)
    for case in suite.cases:
        for name, why in grader.lacks(case):
            yield Fault(
                case.source.path,
                case.source.line,
                f"an expected answer that the grader '{name}' can compare with",
                f"case {case.id}: {why}",
                "another 'expected' here, or 'value' or 'path' at the grader",
            )


def _conversation_faults(suite: Suite, model: str) -> Iterator[Fault]:
    """Yield a fault for the first case that is no text that ``model`` could continue."""
    case = next((case for case in suite.cases if only_text(case.messages) is None), None)
    if case is not None:
        roles = ", ".join(str(message.get("role")) for message in case.messages)
        yield Fault(
            case.source.path,
            case.source.line,
            f"a prompt of one text for the model '{model}' with endpoint: completions",
            f"case {case.id}: messages of {roles}",
            'prompt: "..." as one text, or endpoint: chat',
        )


def _digest(files: Iterable[Path]) -> str:
    """Return one sha256 over the files' own, in order."""
    return hashlib.sha256("\n".join(map(file_digest, files)).encode()).hexdigest()
