"""One suite file with its data files, checked, rendered and ready to be asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.errors import Fault
from evalkit.graders import SuiteGrader, check, check_score
from evalkit.graders.registry import JUDGES, judge_of
from evalkit.loader.datafile import file_digest
from evalkit.loader.datasets import Training, dataset_drafts, dataset_files
from evalkit.loader.faults import Faults
from evalkit.loader.few_shot import Pool, draw_shots, shots_file
from evalkit.loader.find import suite_files
from evalkit.loader.prompt_files import image_reader, read_templates, template_files
from evalkit.loader.schemas import read_schema
from evalkit.loader.yamlfile import read_yaml
from evalkit.model import Case, GraderSpec, Sampling, Suite
from evalkit.suite import validate
from evalkit.suite.cases import build_cases, prompt_faults, slice_faults
from evalkit.suite.chat import only_text
from evalkit.suite.document import Document
from evalkit.suite.draft import TRAINED_ON, Dataset, Draft, SuiteDraft
from evalkit.suite.fairness import term_faults
from evalkit.suite.parse import parse_suite
from evalkit.suite.validate import did_you_mean

_WORDS = ("that answers in words", "{client: openai, model: gpt-4.1-2025-04-14}")
_EMBEDDINGS = (
    "with endpoint: embeddings",
    "{client: openai, model: text-embedding-3-small, options: {endpoint: embeddings}}",
)
"""Kinds of judges, and an example of each."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a project says to all its suites; ``training`` is ``None`` if it could not be read.

    ``continues`` names a model that continues one text and takes no conversation, if there is any.
    ``judges`` has for each judge of the project the kind of requests that it is sent, empty where
    nothing says it; it is ``None`` if the project could not be read. ``root`` is the project's
    folder.
    """

    sampling: Sampling
    allow_code: bool
    training: Training | None
    continues: str = ""
    judges: Mapping[str, str] | None = None
    root: Path | None = None


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
    found = read_suite(path, document, setting, faults)
    cases = _cases(found.draft, [*found.drafts(faults)], faults)
    suite = replace(found.suite, cases=cases)
    if len(faults) == before:
        checks = CaseChecks(suite, setting)
        faults.add(fault for case in cases for fault in checks.of(case))
        faults.add(checks.at_end())
    return suite


@dataclass(frozen=True, slots=True)
class ReadSuite:
    """A suite file read and its data files found; ``suite`` has no cases yet."""

    suite: Suite
    draft: SuiteDraft
    sources: tuple[tuple[Dataset, Training], ...]

    def drafts(self, faults: Faults) -> Iterator[Draft]:
        """Yield the drafts of all cases, the files read anew; what makes none is in ``faults``."""
        case_schema = read_schema("suite")["$defs"]["case"]
        yield from self.draft.cases
        for dataset, files in self.sources:
            yield from dataset_drafts(dataset, files, case_schema=case_schema, faults=faults)


def read_suite(path: Path, document: Document, setting: Setting, faults: Faults) -> ReadSuite:
    """Return what the suite file ``path`` says; its data files are found, few-shot ones read."""
    before, folder = len(faults), path.parent
    checked = validate.check(document, read_schema("suite"))
    templates = template_files([folder, *([setting.root] if setting.root else [])])
    shared, unread = read_templates(templates)
    draft, more = parse_suite(checked, setting.sampling, shared)
    draft = replace(draft, image=image_reader(folder))
    written = {"prompt": draft.prompt, "conversation": draft.turns}
    shares = any(checked.get(n) and (part is None or part.shares) for n, part in written.items())
    faults.add(unread if shares else [])
    faults.add([*checked.faults, *more, *_grader_faults(checked, draft, setting)])
    sources = tuple(
        (d, dataset_files(d, folder, training=setting.training, faults=faults))
        for d in draft.datasets
    )
    own = [file for d, files in sources if d.path != TRAINED_ON for file in files]
    own += templates.values() if shares else []
    examples = shots_file(draft.few_shot, folder, faults) if draft.few_shot else None
    own += [examples] if examples else []
    suite = Suite(
        name=draft.name,
        purpose=draft.purpose,
        cases=(),
        graders=draft.graders,
        score=draft.score,
        sampling=draft.sampling,
        margin=draft.margin,
        description=draft.description,
        digest=_digest([path, *own]),
        source=document.source("suite"),
        metrics=draft.metrics,
        fairness=draft.fairness,
    )
    found = ReadSuite(suite, draft, sources)
    sound = len(faults) == before
    return _with_shots(found, examples, faults) if examples and sound else found


def _with_shots(found: ReadSuite, file: Path, faults: Faults) -> ReadSuite:
    """Return the suite with its few-shot examples, drawn from ``file``."""
    suite = found.draft
    if suite.few_shot is None or (suite.prompt is None and not suite.rows_ask):
        return found
    pool = Pool(suite.few_shot, file, read_schema("suite")["$defs"]["case"])
    shots = draw_shots(pool, suite, found.drafts(Faults()), faults)
    return replace(found, draft=replace(suite, shots=shots))


def _cases(suite: SuiteDraft, drafts: Sequence[Draft], faults: Faults) -> tuple[Case, ...]:
    """Return the rendered cases, none if there is no prompt to render."""
    missing = prompt_faults(suite, drafts)
    faults.add(missing)
    if missing or (suite.prompt is None and not suite.rows_ask):
        return ()
    cases, more = build_cases(suite, drafts)
    faults.add([*more, *slice_faults(suite, cases)])
    faults.add([] if more else term_faults(suite, cases))
    return cases


def _grader_faults(
    checked: validate.Checked, draft: SuiteDraft, setting: Setting
) -> Iterator[Fault]:
    for spec in draft.graders:
        yield from check(spec, allow_code=setting.allow_code)
        yield from _judge_faults(spec, setting)
    names = checked.texts("graders", "name")
    if draft.score and names:
        yield from check_score(draft.score, names, checked.document.source("score"))


def _judge_faults(spec: GraderSpec, setting: Setting) -> Iterator[Fault]:
    if spec.type not in JUDGES or setting.judges is None:
        return
    where, name, judges = spec.source, judge_of(spec), setting.judges
    embeds = spec.type == "cosine"
    fit = [n for n, asked in judges.items() if not asked or embeds == (asked == "embeddings")]
    if name in fit:
        return
    kind, example = _EMBEDDINGS if embeds else _WORDS
    new = "embeddings" if embeds and name in judges else name
    otherwise = f"judges: {{{new}: {example}}} in evalkit.yaml"
    if name in judges:
        got = f"which has endpoint: {judges[name]}"
        otherwise = f"judge: {fit[0] if fit else f'{new}, with {otherwise}'}"
    else:
        got = "and the project has " + (", ".join(judges) or "none")
    yield Fault(
        where.path,
        where.line,
        f"a judge of the project {kind} for the grader '{spec.name}'",
        f"judge: {name}, {got}",
        did_you_mean(name, fit, otherwise=otherwise),
    )


class CaseChecks:
    """What can be wrong with the cases of a suite that is sound so far; each is looked at once."""

    def __init__(self, suite: Suite, setting: Setting) -> None:
        self._suite = suite
        self._grader = SuiteGrader(suite, allow_code=setting.allow_code)
        self._continues = setting.continues
        self._heldout = False

    def of(self, case: Case) -> Iterator[Fault]:
        """Yield what is wrong with a case; of conversations only the first is told."""
        self._heldout = self._heldout or case.split == "heldout"
        if self._continues and (case.turns or only_text(case.messages) is None):
            yield _conversation_fault(case, self._continues)
            self._continues = ""
        for name, why in self._grader.lacks(case):
            yield Fault(
                case.source.path,
                case.source.line,
                f"an expected answer that the grader '{name}' can compare with",
                f"case {case.id}: {why}",
                "another 'expected' here, or 'value' or 'path' at the grader",
            )

    def at_end(self) -> Iterator[Fault]:
        """Yield what is wrong with all cases together."""
        if not self._heldout:
            where = self._suite.source
            needed, got = "at least one held-out case", "an empty suite"
            instead = "cases: [{vars: {...}, expected: ...}], or datasets with rows"
            yield Fault(where.path, where.line, needed, got, instead)


def _conversation_fault(case: Case, model: str) -> Fault:
    """Return the fault of a case that is no text that ``model`` could continue."""
    roles = ", ".join([*(str(m.get("role")) for m in case.messages), *("user" for _ in case.turns)])
    return Fault(
        case.source.path,
        case.source.line,
        f"a prompt of one text for the model '{model}' with endpoint: completions",
        f"case {case.id}: messages of {roles}",
        'prompt: "..." as one text and no conversation, or endpoint: chat',
    )


def _digest(files: Iterable[Path]) -> str:
    """Return one sha256 over the files' own, in order."""
    return hashlib.sha256("\n".join(map(file_digest, files)).encode()).hexdigest()
