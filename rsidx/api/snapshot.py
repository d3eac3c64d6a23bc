"""The code of a repository as it is at a commit, or on disk."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from rsidx.api.data_set import DataSet
from rsidx.errors import RepositoryError
from rsidx.exporters.dataset.format import check_prompts
from rsidx.exporters.examples.given import given_as
from rsidx.exporters.examples.redaction import redacted
from rsidx.exporters.questions.context import ContextAnswer, context_at
from rsidx.exporters.questions.hole import Hole, fill_prompt_at
from rsidx.exporters.questions.prompt import Prompt, prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.exporters.questions.uses import Use, uses_of
from rsidx.indexer.edited import files_edited_on_disk, patched_files
from rsidx.indexer.git.history import list_tree, resolve
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.identity import name_of
from rsidx.indexer.lookup import Location, count_missing, locate
from rsidx.indexer.worktree import changed_files, file_on_disk
from rsidx.store.database import Database
from rsidx.store.records import BlobRecord, FileEdit

MAX_FILE_BYTES = 1_000_000
WORKTREE = "worktree"
"""What stands in the place of a revision for the code as it is on disk."""
Opening = Callable[[], AbstractContextManager[Database]]


class Snapshot:
    """The code at a commit, or as it is on disk, as `Index.at` gives it.

    Whatever it returns is redacted, and lines count from 1. What is asked about must be indexed;
    files on disk that differ from HEAD's are parsed at once.
    """

    def __init__(self, opening: Opening, repository: Repository, revision: str) -> None:
        """Find the commit; raises RepositoryError where a revision names none."""
        self._opening = opening
        self._repository = repository
        self._is_on_disk = revision == WORKTREE
        self._commit = bytes.fromhex(resolve(repository, "HEAD" if self._is_on_disk else revision))

    def symbols(self, name: str) -> list[Location]:
        """Return where a name is defined; `Type::name` names a member of a type.

        Each has `path`, `line`, `kind`, `name`, `container`, `visibility`, `is_test`, `signature`.
        """
        with self._opening() as database:
            found = locate(database, self._name(database), name, self._tree, self._overlay)
        return [replace(one, signature=redacted(one.signature)) for one in found]

    def n_missing_files(self) -> int:
        """Return how many of the files are not indexed, so that nothing of them is found."""
        with self._opening() as database:
            return count_missing(database, self._name(database), self._tree, self._overlay)

    def references(self, name: str, *, names: bool = False) -> list[Use]:
        """Return the lines that refer to a definition, anywhere in the tree.

        What merely has the same name is no reference; with `names` it comes last, with the rule
        `name`. Each has `path`, `line`, `symbol`, `container`, `is_test`, `rule`, `text` and
        `defined`, the place of the definition. Raises RsidxError where there is none.
        """
        with self._opening() as database:
            return uses_of(database, self._name(database), self._target("", name), names=names)

    def context(
        self,
        path: str | Path,
        symbol: str = "",
        *,
        context_with: Sequence[str] = (),
        line: int | None = None,
        after: str | int | None = None,
        in_: str | int | None = None,
    ) -> list[ContextAnswer]:
        """Return what an edit of a file, or of a symbol in it, would be shown.

        Instead of a symbol, `line`, `after` and `in_` name the code as they do for `prompt`. There
        is an answer for each definition of the symbol, with its `path`, `line`, `symbol` and
        `container`; its `context` are excerpts, in the order in which the budget is spent.
        """
        target = replace(self._target(str(path), symbol), line=line, after=after, inside=in_)
        with self._opening() as database:
            return context_at(database, self._name(database), target, tuple(context_with))

    def prompt(
        self,
        path: str | Path,
        symbol: str,
        message: str,
        *,
        like: DataSet | str | Path,
        line: int | None = None,
        after: str | int | None = None,
        in_: str | int | None = None,
        named: str = "",
        signature: str = "",
        after_edits: bytes | str = "",
    ) -> Prompt:
        """Return the prompt for an edit of a symbol, as the examples of a data set are written.

        Instead of a symbol, which is empty then, `line` (from 1) stands for the item that it is in;
        of one that is too long, the prompt shows the part with that line.

        New code has no symbol. It comes right behind the symbol or the line `after` (0 is the
        beginning of the file, the line of a header the beginning inside of its container), or to
        the end of the impl, trait or module `in_`; without any of them the file is new. What is to
        be written is `named` so, or has a `signature`, or neither is said.

        `after_edits` are edits that are made already, as a unified diff, or `worktree` for what
        differs on disk. Files are as these left them, names mean what they did at the commit, and
        the prompt shows what was made, as rows show the earlier edits of their commit. Raises
        RepositoryError where the diff does not apply.

        The prompt has `text` and `input_ids`; `n_excerpts_left_out` pieces of context did not fit.
        Where code `spells_control_token`, a tokenizer makes other ids of the text.
        """
        data = _data_to_prompt_like(like)
        target = replace(
            self._target(str(path), symbol),
            line=line,
            after=after,
            inside=in_,
            edited=self._edited(after_edits),
            given=given_as(named, signature),
        )
        with self._opening() as database:
            return prompt_at(database, self._name(database), target, message, data.config)

    def fill_prompt(
        self,
        path: str | Path,
        line: int,
        column: int,
        *,
        like: DataSet | str | Path,
        suffix_first: bool = False,
    ) -> Prompt:
        """Return the prompt for a hole in a file on disk, as a data set's examples are written.

        `line` counts from 1, `column` in bytes from 1. What is behind the hole may come first.
        """
        data = _data_to_prompt_like(like)
        file = file_on_disk(self._repository, str(path), max_bytes=MAX_FILE_BYTES)
        hole = Hole(self._commit, str(path), file, line, column, suffix_first, self._overlay)
        with self._opening() as database:
            return fill_prompt_at(database, self._name(database), hole, data.config)

    def _name(self, database: Database) -> str:
        return name_of(database, self._repository)

    def _target(self, path: str, symbol: str) -> Target:
        return Target(self._commit, path, symbol, self._overlay)

    def _edited(self, edits: bytes | str) -> tuple[FileEdit, ...]:
        if not edits:
            return ()
        if self._is_on_disk:
            raise RepositoryError("the code on disk has its edits already: name a commit to edit")
        if edits == WORKTREE:
            return files_edited_on_disk(
                self._repository, self._commit, self._tree, max_bytes=MAX_FILE_BYTES
            )
        patch = edits.encode("utf-8", "surrogateescape") if isinstance(edits, str) else edits
        return patched_files(self._repository, self._commit, patch, max_bytes=MAX_FILE_BYTES)

    @cached_property
    def _tree(self) -> dict[bytes, bytes]:
        return dict(list_tree(self._repository, self._commit))

    @cached_property
    def _overlay(self) -> tuple[tuple[bytes, BlobRecord | None], ...]:
        if not self._is_on_disk:
            return ()
        return tuple(changed_files(self._repository, self._tree, max_bytes=MAX_FILE_BYTES))


def _data_to_prompt_like(like: DataSet | str | Path) -> DataSet:
    """Return a data set; raises ExportError for one whose prompts this release does not write."""
    data = like if isinstance(like, DataSet) else DataSet(like)
    check_prompts(data.folder, data.manifest)
    return data
