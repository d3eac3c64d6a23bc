"""What an assistant may ask of an index: the tools of the MCP server.

Each tool is the command of the same name, and its first argument is that command's. An answer is
JSON of at most `max_chars` characters, so that it fits in the context of whoever asked: what is
listed comes from an `offset` on, with the number of all, and a text that is too long alone is cut,
and says so. A prompt is never cut. Secrets are left out of all answers.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rsidx.api.address import Address
from rsidx.api.evaluation import check_code
from rsidx.api.index import Index
from rsidx.errors import PlacementError, RsidxError
from rsidx.exporters.examples.redaction import redacted
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
        edits = []
        for edit in found.edits():
            facts = asdict(edit)
            facts["diff"] = "\n".join(edit.diff())
            edits.append({key: facts[key] for key in facts if key not in ("old", "new")})
        return self._listed(edits, offset, commit=found.oid, message=found.message)

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
        return self._fitting({**facts, "n_errors": len(found.errors)})

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
        try:
            found = self._index.apply(place.path, place.symbol, code, write=write, **place.place)
        except PlacementError as error:
            return self._fitting({"outcome": error.outcome, "reason": str(error)})
        facts = asdict(found) | {"diff": "\n".join(found.diff)}
        return self._fitting({"outcome": "applies", **facts})

    def _listed(self, items: Iterable[Mapping[str, Any]], offset: int, **head: Any) -> str:
        """Return a list from an offset on, as long as it fits, with how many there are in all."""
        every = [_without_secrets(item, self._limits.max_chars // 4) for item in items]
        shown: list[Any] = []
        answer = {**_without_secrets(head, self._limits.max_chars // 4), "total": len(every)}
        answer |= {"offset": offset, "items": shown}
        left = self._limits.max_chars - len(_spelled(answer)) - len('"next_offset":000000000,')
        for item in every[max(0, offset) :]:
            left -= len(_spelled(item)) + 1
            if left < 0 and shown:
                break
            shown.append(item)
        end = max(0, offset) + len(shown)
        if end < len(every):
            answer["next_offset"] = end
        return _spelled(answer)

    def _fitting(self, answer: Mapping[str, Any]) -> str:
        """Return an answer that is no list, with the longest of its texts cut."""
        return _spelled(_without_secrets(answer, self._limits.max_chars // 4))


def _without_secrets(value: Any, max_chars: int) -> Any:
    """Return a value with the secrets left out of its texts, and long texts cut."""
    if isinstance(value, str):
        text = redacted(value)
        n_left = len(text) - max_chars
        return text if n_left <= 0 else text[:max_chars] + _CUT.format(n=n_left)
    if isinstance(value, Mapping):
        return {key: _without_secrets(one, max_chars) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(one, max_chars) for one in value]
    return value


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
