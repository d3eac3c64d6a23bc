"""Checking one piece of new code in the worktree as it is on disk, in a scratch clone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rsidx.errors import EvaluationError, PlacementError
from rsidx.evaluation.compiler.cargo import Build, Cargo, Package
from rsidx.evaluation.compiler.configuration import CheckCommand
from rsidx.evaluation.compiler.diagnostics import Diagnostic, first_of
from rsidx.evaluation.compiler.feedback import feedback
from rsidx.evaluation.compiler.workspace import Workspace
from rsidx.evaluation.judging import probe
from rsidx.evaluation.judging.session import Run, bench
from rsidx.indexer.splice import changed_chunks

Splice = Callable[[bytes | None], bytes]
"""Puts new code into a file, None for one that is new; raises PlacementError where it cannot."""


@dataclass(frozen=True, slots=True)
class CodeError:
    """An error of the compiler; `line` counts from 1, and is 0 where it has no place.

    `error_class`, `phase` and `where` are as in the verdicts of `rsidx eval`.
    """

    error_class: str
    phase: str
    where: str
    code: str
    message: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """What came of checking new code.

    `outcome` is `compiles`; `error`; `timeout`; `broken_before`: without the code the same check
    fails, too; `not_compiled`: no check compiles that code; or that of a PlacementError: the code
    cannot be put there. `reason` says more, and `feedback` has the errors as a text for the next
    prompt. `check` is the command that decided.
    """

    outcome: str
    reason: str = ""
    check: str = ""
    errors: tuple[CodeError, ...] = ()
    feedback: str = ""
    seconds: float = 0.0


def check_code(run: Run, worktree: Path, path: str, splice: Splice) -> CodeCheck:
    """Check new code of a file in the worktree, which stays as it is.

    Raises EvaluationError where nothing can be checked here.
    """
    with bench(run) as shared:
        workspace, cargo = shared.worker(0)
        workspace.follow(worktree)
        source = workspace.read(path)
        if source is None and (worktree / path).exists():
            raise EvaluationError(f"{path} is no file that git does not ignore")
        try:
            result = splice(source)
        except PlacementError as error:
            return CodeCheck(error.outcome, str(error))
        package = cargo.package_of(path)
        if package is None:
            raise EvaluationError(f"{path} is in no cargo package")
        _take_lock(workspace, worktree, package)
        cargo.lock(package, unlocked=run.settings.unlocked)
        checker = _Checker(workspace, cargo, package, path, run.settings.timeout_s)
        try:
            found = CodeCheck("not_compiled")
            for check in run.settings.commands:
                found = checker.check(check, source, result)
                if found.outcome != "not_compiled":
                    break
            return replace(found, seconds=round(checker.seconds, 3))
        finally:
            workspace.restore()


def _take_lock(workspace: Workspace, worktree: Path, package: Package) -> None:
    """Copy the worktree's Cargo.lock where git ignores it."""
    file, copy = worktree / package.lock, workspace.tree / package.lock
    if file.is_file() and not copy.is_file():
        copy.write_bytes(file.read_bytes())


class _Checker:
    """Checks versions of one file; `seconds` is what that took so far."""

    def __init__(
        self, workspace: Workspace, cargo: Cargo, package: Package, path: str, timeout_s: float
    ) -> None:
        self._workspace = workspace
        self._cargo = cargo
        self._package = package
        self._path = path
        self._timeout_s = timeout_s
        self.seconds = 0.0

    def check(self, check: CheckCommand, source: bytes | None, result: bytes) -> CodeCheck:
        """Check a version of the file, and whether its new code is compiled.

        `source` is the old version, None for no file.

        Where the new version fails, the old one tells whether it did, too.
        """
        old = source or b""
        start, end = changed_chunks(old, result)
        build = self._build(check, result)
        if build.outcome == "ok":
            text, names = probe.with_probes(result, start, end, old[start:])
            said = "\n".join(error.message for error in self._build(check, text).errors)
            is_compiled = build.is_rebuilt and all(name in said for name in names)
            if is_compiled:
                return CodeCheck("compiles", check=check.text)
            reason = "the check passes whatever stands there: it does not compile this code"
            return CodeCheck("not_compiled", reason, check.text)
        if build.outcome == "timeout":
            return CodeCheck("timeout", "the check took too long", check.text)
        before = self._build(check, source)
        if before.outcome != "ok":
            reason = before.errors[0].reason if before.errors else before.said
            return CodeCheck("broken_before", reason, check.text)
        placed = [(one, one.where(self._path, start, end)) for one in build.errors]
        errors = tuple(self._error(one, where, result) for one, where in placed)
        reason = build.said
        if build.errors:
            reason = first_of(build.errors, self._path, start, end).reason
        return CodeCheck("error", reason, check.text, errors, feedback(placed) or build.said)

    def _build(self, check: CheckCommand, content: bytes | None) -> Build:
        self._workspace.write(self._path, content)
        is_kept = not self._package.runs(self._path)
        build = self._cargo.check(check, self._package, self._timeout_s, is_target_kept=is_kept)
        self.seconds += build.seconds
        return build

    def _error(self, error: Diagnostic, where: str, result: bytes) -> CodeError:
        path, line = "", 0
        if error.spans:
            path, offset, _ = error.spans[-1] if where != "edit" else error.spans[0]
            content = result if path == self._path else self._workspace.read(path)
            line = content.count(b"\n", 0, offset) + 1 if content is not None else 0
        return CodeError(
            error.error_class, error.phase, where, error.code, error.message, path, line
        )
