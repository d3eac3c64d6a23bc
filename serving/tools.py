"""What an assistant may ask of an index: the tools of the MCP server.

Each tool is the command of the same name, and its first argument is that command's. An answer is
JSON of at most `max_chars` characters, so that it fits in the context of whoever asked: what is
listed comes from an `offset` on, with the number of all, and what is too long alone is cut, and
says so. A prompt is never cut. Secrets are left out of all answers.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

from rsidx.api.address import Address
from rsidx.api.evaluation import check_code
from rsidx.api.index import Index
from rsidx.api.worktree import FilesOnDisk
from rsidx.errors import PlacementError, RsidxError
from rsidx.exporters.examples.redaction import known_secrets, redacted
from rsidx.exporters.filters.secrets import KnownSecrets
from rsidx.indexer.git.discovery import discover
from rsidx.serving.complete import Check

MAX_CHARS = 24_000
"""About 8,000 tokens: what assistants take without a warning."""
_MAX_ERRORS = 10
_CUT = "[{n:,} characters left out]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the tools may do: `like` is the export that prompts are like, if there are any."""

    check: Check
    like: Path | None = None
    may_write: bool = False
    max_chars: int = MAX_CHARS


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what to call, and whether that can change a file, or runs the repository's code."""

    call: Callable[..., str]
    changes_files: bool = False
    runs_code: bool = False


class Tools:
    """The tools of one index, for one thread; each raises RsidxError for what cannot be done."""

    def __init__(self, index: Index, limits: Limits) -> None:
        self._index = index
        self._limits = limits

    def all(self) -> tuple[Tool, ...]:
        """Return the tools in the order of the commands."""
        return (
            Tool(self.symbols),
            Tool(self.refs),
            Tool(self.show),
            Tool(self.context),
            Tool(self.prompt),
            Tool(self.check, runs_code=True),
            Tool(self.apply, changes_files=self._limits.may_write),
        )

    def refusal(self, error: RsidxError) -> str:
        """Return in a line why a tool does not do what it is asked."""
        return str(_fitted(redacted(" ".join(str(error).split())), self._limits.max_chars))

    def symbols(self, name: str, at: str = "HEAD", offset: int = 0) -> str:
        """Find where a name of Rust code is defined; `Type::name` is a member of a type.

        `at` is a commit, or `worktree` for the code as it is on disk.
        """
        return self._listed(map(asdict, self._index.at(at).symbols(name)), offset)

    def refs(self, name: str, at: str = "HEAD", names: bool = False, offset: int = 0) -> str:
        """Find the lines of Rust code that refer to a definition, and the rule that says so.

        With `names`, code that only mentions the name comes last, with the rule `name`.
        """
        return self._listed(map(asdict, self._index.at(at).references(name, names=names)), offset)

    def show(self, commit: str, offset: int = 0) -> str:
        """Show a commit's message and its edits, item by item, each as a diff."""
        found = self._index.commit(commit)
        edits = list(found.edits())
        items = []
        for edit in edits:
            facts = asdict(edit)
            facts["diff"] = "\n".join(edit.diff())
            items.append({key: facts[key] for key in facts if key not in ("old", "new")})
        texts = (text for edit in edits for text in (edit.old, edit.new))
        head = {"commit": found.oid, "message": found.message}
        return self._listed(items, offset, head, known_secrets(texts))

    def context(
        self,
        place_in_code: str,
        at: str = "HEAD",
        after: str | None = None,
        in_: str | None = None,
        offset: int = 0,
    ) -> str:
        """List the code that is worth seeing for an edit of FILE:SYMBOL or FILE:LINE.

        Of a FILE alone it is new code, behind the item `after` or at the end of the impl, trait or
        module `in_`.
        """
        place = Address.parse(place_in_code, after, in_)
        answers = self._index.at(at).context(place.path, place.symbol, **place.place)
        pieces = [
            {"of": f"{answer.path}:{answer.line}", **asdict(piece)}
            for answer in answers
            for piece in answer.context
        ]
        return self._listed(pieces, offset)

    def prompt(
        self,
        place_in_code: str,
        message: str,
        after: str | None = None,
        in_: str | None = None,
        named: str = "",
        signature: str = "",
    ) -> str:
        """Write the prompt for an edit of FILE:SYMBOL or FILE:LINE, as the local model was trained.

        What differs on disk from HEAD is shown as edits that are made already. Of a FILE alone it
        is for new code, as for `context`, that is `named` so or has a `signature`.
        """
        if self._limits.like is None:
            raise RsidxError("no export to write prompts like: start rsidx mcp with --like OUT")
        place = Address.parse(place_in_code, after, in_)
        found = self._index.at("HEAD").prompt(
            place.path,
            place.symbol,
            message,
            like=self._limits.like,
            named=named,
            signature=signature,
            after_edits="worktree",
            **place.place,
        )
        answer = {
            "prompt": found.text,
            "end_token": found.end_token,
            "n_tokens": len(found.input_ids),
            "n_excerpts_left_out": found.n_excerpts_left_out,
        }
        text = _spelled(answer)
        if len(text) > self._limits.max_chars:
            raise RsidxError(
                f"the prompt has {len(text):,} characters, and an answer {self._limits.max_chars:,}"
                " at most: start rsidx mcp with more --max-chars, or use rsidx prompt"
            )
        return text

    def check(
        self, place_in_code: str, code: str, after: str | None = None, in_: str | None = None
    ) -> str:
        """Say whether new code compiles in the place of FILE:SYMBOL or FILE:LINE; files stay.

        This runs cargo, and so the repository's build scripts and macros, in a sandbox. Of a FILE
        alone the code is new, as for `context`.
        """
        place, limits = Address.parse(place_in_code, after, in_), self._limits
        if self._index.worktree is None:
            raise RsidxError("the repository has no worktree")
        found = check_code(
            self._index.worktree,
            place.path,
            place.symbol,
            code,
            **place.place,
            settings=limits.check.settings,
            scratch=limits.check.scratch,
        )
        facts = asdict(found)
        facts["errors"] = facts["errors"][:_MAX_ERRORS]
        facts["n_errors"] = len(found.errors)
        return self._fitting(facts, known_secrets((code, self._text(place))))

    def apply(
        self,
        place_in_code: str,
        code: str,
        after: str | None = None,
        in_: str | None = None,
        write: bool = False,
    ) -> str:
        """Put new code in the place of FILE:SYMBOL or FILE:LINE, and show the diff.

        Of a FILE alone the code is new, as for `context`, or the file is. Nothing is changed
        without `write`, which the server must have been started for.
        """
        if write and not self._limits.may_write:
            raise RsidxError("this server may not write: start rsidx mcp with --allow-write")
        place = Address.parse(place_in_code, after, in_)
        secrets = known_secrets((code, self._text(place)))
        try:
            found = self._index.apply(place.path, place.symbol, code, write=write, **place.place)
        except PlacementError as error:
            return self._fitting({"outcome": error.outcome, "reason": str(error)}, secrets)
        facts = asdict(found) | {"diff": "\n".join(found.diff)}
        return self._fitting({"outcome": "applies", **facts}, secrets)

    def _text(self, place: Address) -> str:
        """Return the file of a place as it is on disk; of none, nothing."""
        if self._index.worktree is None:
            raise RsidxError("the repository has no worktree")
        files = FilesOnDisk(discover(self._index.worktree, is_named=True))
        return (files.read(place.path) or b"").decode("utf-8", "replace")

    def _listed(
        self,
        items: Iterable[Mapping[str, Any]],
        offset: int,
        head: Mapping[str, Any] | None = None,
        secrets: KnownSecrets | None = None,
    ) -> str:
        """Return a list from an offset on, as long as it fits, with how many there are in all."""
        every = list(items)
        shown: list[Any] = []
        answer = {
            **_fitted(_without_secrets(head or {}, secrets), self._limits.max_chars // 2),
            "total": len(every),
            "offset": (first := max(0, offset)),
            "items": shown,
        }
        left = self._limits.max_chars - len(_spelled(answer)) - len('"next_offset":000000000,')
        for item in every[first:]:
            text = _without_secrets(item, secrets)
            if not shown:
                text = _fitted(text, left - 1)
            left -= len(_spelled(text)) + 1
            if left < 0 and shown:
                break
            shown.append(text)
        end = first + len(shown)
        if end < len(every):
            answer["next_offset"] = end
        return _spelled(answer)

    def _fitting(self, answer: Mapping[str, Any], secrets: KnownSecrets) -> str:
        """Return an answer that is no list, with its longest texts cut."""
        return _spelled(_fitted(_without_secrets(answer, secrets), self._limits.max_chars))


def _without_secrets(value: Any, secrets: KnownSecrets | None) -> Any:
    """Return a value with the secrets left out of its texts."""
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, Mapping):
        return {key: _without_secrets(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(one, secrets) for one in value]
    return value


def _fitted(value: Any, max_chars: int) -> Any:
    """Return a value whose texts and lists are cut until it is as short as that when spelled."""
    limit, cut = max_chars // 2, value
    while len(_spelled(cut)) > max_chars and limit > 0:
        cut = _cut(value, limit)
        limit //= 2
    return cut


def _cut(value: Any, max_chars: int) -> Any:
    """Return a value with each text and each list cut that is longer than that when spelled."""
    if isinstance(value, Mapping):
        return {key: _cut(one, max_chars) for key, one in value.items()}
    if isinstance(value, str):
        n_kept = len(_kept(value, max_chars))
        n_left = len(value) - n_kept
        return value if not n_left else value[:n_kept] + _CUT.format(n=n_left)
    if isinstance(value, list):
        kept = _kept([_cut(one, max_chars) for one in value], max_chars)
        n_left = len(value) - len(kept)
        return kept if not n_left else [*kept, f"[{n_left:,} more left out]"]
    return value


def _kept(value: Any, max_chars: int) -> Any:
    """Return as many characters, or items, from the beginning as fit when spelled."""
    # Each character has the quotes of a text, and an item lacks its comma.
    more = -len('""') if isinstance(value, str) else len(",")
    lengths = accumulate(len(_spelled(one)) + more for one in value)
    return value[: sum(1 for _ in takewhile(lambda length: length <= max_chars, lengths))]


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
