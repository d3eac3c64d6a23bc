"""Judging edits, commit by commit: whether they can be scored, and whether an answer compiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.answer import read_answer
from rsidx.blocks import with_blocks
from rsidx.errors import EvaluationError, PlacementError
from rsidx.evaluation import answer as answers
from rsidx.evaluation.asking.predictions import Prediction
from rsidx.evaluation.compiler.cargo import Build, Cargo, Package
from rsidx.evaluation.compiler.configuration import CheckCommand, CheckSettings, digest
from rsidx.evaluation.compiler.diagnostics import first_of
from rsidx.evaluation.compiler.memo import Memo
from rsidx.evaluation.compiler.workspace import Workspace
from rsidx.evaluation.edits import CodeRange, JudgedEdit
from rsidx.evaluation.judging import probe
from rsidx.evaluation.judging.kept import told, with_code
from rsidx.evaluation.judging.verdict import Reference, Verdict
from rsidx.indexer.splice import Spliced, missing, names_within, replace_range

_MIN_TIMEOUT_S = 60
_TIMES_THE_BUILD = 5
_REASONS = {
    "errors": "does_not_build",
    "failed": "does_not_build",
    "killed": "does_not_build",
    "timeout": "build_timeout",
    "dependencies": "dependencies",
    "lock": "lock",
}


@dataclass(frozen=True, slots=True)
class Site:
    """An edit in its commit's file: `source[start:end]` is the commit's own code, `old` the old.

    Of an edit in several parts that is all from the first to the last.
    """

    edit: JudgedEdit
    source: bytes
    start: int
    end: int
    old: bytes

    @property
    def own(self) -> bytes:
        """The commit's own code."""
        return self.source[self.start : self.end]

    def own_parts(self) -> Iterator[bytes]:
        """Yield the commit's own code of each part."""
        for part in self._new_ranges():
            yield self.source[part.start : part.end]

    def with_parts(self, codes: Sequence[bytes]) -> bytes:
        """Return the commit's own code with other code in the place of each part."""
        found, at = b"", self.start
        for part, own, code in zip(self._new_ranges(), self.own_parts(), codes, strict=True):
            is_open = part.end < self.end and own.endswith(b"\n") and not code.endswith(b"\n")
            found += self.source[at : part.start] + code + (b"\n" if is_open else b"")
            at = part.end
        return found

    def _new_ranges(self) -> Iterator[CodeRange]:
        return filter(None, (row.new for row in self.edit.rows))


@dataclass(frozen=True, slots=True)
class Subject:
    """An edit that can be scored: where it is, the check that compiles it, the name it must define.

    `symbol` is empty where it must define none.
    """

    site: Site
    package: Package
    check: CheckCommand
    reference: Reference
    symbol: str


@dataclass(frozen=True, slots=True)
class _Terms:
    """How long a check may take, and whether somebody else's code is in it."""

    timeout_s: float
    is_foreign: bool = False


class Judge:
    """Judges edits in a workspace, which stands at the commit of the one that was opened last."""

    def __init__(
        self, workspace: Workspace, cargo: Cargo, memo: Memo, settings: CheckSettings, rustc: str
    ) -> None:
        self._workspace = workspace
        self._cargo = cargo
        self._memo = memo
        self._settings = settings
        self._commands = settings.commands
        self._terms = _Terms(settings.timeout_s)
        self._common = digest(rustc, cargo.configuration_digest())

    def limit_target(self, max_bytes: int) -> None:
        """Start with an empty target folder where it has grown beyond `max_bytes`."""
        self._workspace.limit_target(max_bytes)

    def fetch(self, edit: JudgedEdit, done: set[tuple[str, str]]) -> str | None:
        """Fetch the crates of an edit's package at its commit, unless `done` has them.

        Returns what cargo said where that failed, nothing where it did not, and None where there
        was nothing to do.
        """
        self._workspace.move_to(edit.commit)
        package = self._cargo.package_of(edit.path)
        if package is None or (edit.commit, package.lock) in done:
            return None
        done.add((edit.commit, package.lock))
        return self._cargo.fetch(package, unlocked=self._settings.unlocked)

    def open(self, edit: JudgedEdit) -> Subject | Reference:
        """Return an edit ready to be judged, or why it cannot be.

        Raises EvaluationError where the repository is not the one that the edit is from.
        """
        if not edit.is_whole:
            return _not_scorable("part_missing")
        new, old = _hull([row.new for row in edit.rows]), _hull([row.old for row in edit.rows])
        if new is None:
            return _not_scorable("deletion")
        self._workspace.restore()
        self._workspace.move_to(edit.commit)
        source = self._workspace.read(edit.path)
        if source is None or self._workspace.blob_id(source) != new.blob:
            raise EvaluationError(
                f"{edit.path} of commit {edit.commit} is not what the export was made of"
            )
        before = self._workspace.blob(old.blob)[old.start : old.end] if old is not None else b""
        site = Site(edit, source, new.start, new.end, before)
        n_lines = len(site.own.strip().splitlines())
        package = self._cargo.package_of(edit.path)
        if package is None:
            return replace(_not_scorable("no_package"), lines=n_lines)
        return self._with_check(site, package, n_lines)

    def _with_check(self, site: Site, package: Package, n_lines: int) -> Subject | Reference:
        """Return the edit with the first check that compiles it, else why none does."""
        state, lock = self._cargo.lock(package, unlocked=self._settings.unlocked)
        reasons: list[Reference] = []
        for check in self._commands:
            build = self._build(site, package, check, site.source, lock, self._terms)
            reason = _REASONS.get(build.outcome, "")
            said = build.said or (build.errors[0].reason if build.errors else "")
            if not reason and not build.is_rebuilt:
                reason, said = "not_compiled", "cargo does not compile the package"
            if not reason:
                reason, said = self._refused_probes(site, package, check, lock)
            reference = Reference(
                reason, said if reason else "", check.text, state, n_lines, build.seconds, {}
            )
            if not reason:
                return Subject(site, package, check, reference, _symbol(site))
            reasons.append(reference)
        # That code is left out by every check that builds says more than that another does not.
        return next((one for one in reasons if one.reason.endswith("not_compiled")), reasons[0])

    def _refused_probes(
        self, site: Site, package: Package, check: CheckCommand, lock: bytes | None
    ) -> tuple[str, str]:
        """Return why the code is not known to be compiled, empty where it is."""
        if site.edit.is_hole:
            text, names = probe.with_probe_around(site.source, site.start)
        else:
            text, names = probe.with_probes(site.source, site.start, site.end, site.old)
        build = self._build(site, package, check, text, lock, self._terms)
        said = "\n".join(error.message for error in build.errors)
        if probe.ITEM in names and probe.ITEM not in said:
            return "not_compiled", f"an unknown attribute in front of the item: {build.outcome}"
        if probe.STATEMENT in names and probe.STATEMENT not in said:
            return (
                "statement_not_compiled",
                f"an unknown attribute in front of the statement: {build.outcome}",
            )
        return "", ""

    def judge(
        self, subject: Subject, predictions: Sequence[Prediction | None], *, end_token: str
    ) -> Verdict:
        """Return what comes of a model's answers to an edit's rows.

        None stands for the commit's own code.
        """
        if any(one is not None and one.is_cut_off for one in predictions):
            return Verdict("cut_off", reason="the answer ended because of its length")
        try:
            codes = self._codes(subject.site, predictions, end_token)
        except UnicodeEncodeError:
            return Verdict("not_applied", reason="the answer is no text")
        except PlacementError as error:
            return Verdict(error.outcome, reason=str(error))
        pairs = zip(subject.site.own_parts(), codes, strict=True)
        if any(own.strip() and not code.strip() for own, code in pairs):
            return Verdict("no_answer", reason="the answer is empty")
        return self.judge_code(subject, subject.site.with_parts(codes))

    def is_unchanged(
        self, subject: Subject, predictions: Sequence[Prediction | None], end_token: str
    ) -> bool:
        """Tell whether answers that can be put in place leave the old code as it was."""
        codes = self._codes(subject.site, predictions, end_token)
        triples = zip(predictions, codes, self._old_parts(subject.site.edit), strict=True)
        return all(answers.is_same(code, old) for one, code, old in triples if one is not None)

    def _codes(
        self, site: Site, predictions: Sequence[Prediction | None], end_token: str
    ) -> list[bytes]:
        parts = zip(self._old_parts(site.edit), site.own_parts(), predictions, strict=True)
        return [
            own
            if one is None
            else with_blocks(old, read_answer(answers.code_of(one.completion, end_token)).code)
            for old, own, one in parts
        ]

    def _old_parts(self, edit: JudgedEdit) -> Iterator[bytes]:
        """Yield the old code that each row of an edit shows."""
        for old in (row.old for row in edit.rows):
            yield self._workspace.blob(old.blob)[old.start : old.end] if old is not None else b""

    def judge_code(self, subject: Subject, code: bytes, *, is_foreign: bool = True) -> Verdict:
        """Return what comes of code in the place of the commit's own.

        `is_foreign` is what the repository's authors did not write, and no rule of ours made of it.
        """
        site = subject.site
        spliced = replace_range(site.source, site.start, site.end, code)
        verdict = self._judged(subject, spliced, is_foreign=is_foreign)
        return with_code(verdict, spliced.code, (site.source, site.old))

    def _judged(self, subject: Subject, spliced: Spliced, *, is_foreign: bool) -> Verdict:
        site = subject.site
        facts = Verdict(
            "compiles",
            is_exact=answers.is_same(spliced.code, site.own),
            keeps_attributes=answers.keeps_attributes(spliced.code, site.old, site.own),
        )
        if spliced.lost:
            reason = f"with the new code {missing(spliced.lost[0])} is not there any more"
            return replace(facts, verdict="not_applied", reason=reason)
        if not spliced.is_broken and subject.symbol and subject.symbol not in spliced.names:
            reason = f"the answer does not define {subject.symbol}"
            return replace(facts, verdict="not_the_symbol", reason=reason, errors=reason)
        _, lock = self._cargo.lock(subject.package, unlocked=self._settings.unlocked)
        allowed = max(_MIN_TIMEOUT_S, _TIMES_THE_BUILD * subject.reference.build_s)
        terms = _Terms(allowed, is_foreign)
        build = self._build(site, subject.package, subject.check, spliced.result, lock, terms)
        end = site.start + len(spliced.code)
        return _verdict(replace(facts, seconds=round(build.seconds, 3)), build, site, end)

    def _build(
        self,
        site: Site,
        package: Package,
        check: CheckCommand,
        content: bytes,
        lock: bytes | None,
        terms: _Terms,
    ) -> Build:
        """Return what comes of a check with the file as given, from the memo if it has it."""
        key = digest(
            self._common,
            self._workspace.tree_id,
            site.edit.path,
            content,
            check.text,
            lock if lock is not None else "none",
        )
        found = self._memo.get(key)
        if found is None:
            self._workspace.write(site.edit.path, content)
            # What it builds must not be what a later check finds.
            is_kept = not terms.is_foreign or not package.runs(site.edit.path)
            found = self._cargo.check(check, package, terms.timeout_s, is_target_kept=is_kept)
            self._memo.put(key, found)
        return found


_UNNAMED = frozenset({"imports", "preamble", "trailer", "items", "file"})


def _hull(ranges: Sequence[CodeRange | None]) -> CodeRange | None:
    """Return what reaches from the first to the last of some ranges of a file; None for none."""
    found = [one for one in ranges if one is not None]
    if not found:
        return None
    start, end = min(one.start for one in found), max(one.end for one in found)
    return CodeRange(found[0].blob, start, end)


def _symbol(site: Site) -> str:
    """Return the name that an answer must define: what the prompt says, or what stays there."""
    edit = site.edit
    own = names_within(site.source, site.start, site.end)
    if edit.given_name:
        # That of an impl is its header, which defines no name.
        return edit.given_name if edit.given_name in own else ""
    if not edit.symbol or edit.old is None or site.edit.kind in _UNNAMED:
        return ""
    old = replace_range(site.source, site.start, site.end, site.old)
    return edit.symbol if edit.symbol in own & old.names else ""


def _not_scorable(reason: str, said: str = "") -> Reference:
    return Reference(reason, said, "", "", 0, 0.0, {})


def _verdict(facts: Verdict, build: Build, site: Site, end: int) -> Verdict:
    if build.outcome == "ok":
        if build.is_rebuilt:
            return facts
        return replace(facts, verdict="not_scorable", reason="cargo did not compile the answer")
    if build.outcome == "timeout":
        return replace(facts, verdict="timeout", reason="the check took too long")
    if not build.errors:
        return replace(facts, verdict="error", error_class="other", phase="other",
                       where="other_file", reason=build.said or build.outcome)  # fmt: skip
    error = first_of(build.errors, site.edit.path, site.start, end)
    return replace(
        facts,
        verdict="error",
        error_class=error.error_class,
        phase=error.phase,
        where=error.where(site.edit.path, site.start, end),
        reason=error.reason,
        errors=told(build.errors, site.edit.path, site.start, end),
    )
