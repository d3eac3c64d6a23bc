"""Checking what a row shows beside its own code: it was there before the edit, or made by then."""

import re
from collections.abc import Iterator
from typing import Any

from rsidx.exporters.context.excerpts import with_gaps
from rsidx.exporters.context.made import EARLIER_RULE
from rsidx.exporters.verify.history import History, range_of
from rsidx.exporters.verify.texts import RowTexts

_NOTE = re.compile(
    r"[ \t]*+// (?:[0-9]++ more (?:field|variant|item)s?"
    r"|bodies(?: and [0-9]++ more rules?)? left out)\n"
)


class ContextCheck:
    """Checks excerpts, the file around the place, and what is said of new code.

    `at_commit` says that excerpts are of the tree that the commit left.
    """

    def __init__(self, history: History, texts: RowTexts, *, at_commit: bool) -> None:
        self._history = history
        self._texts = texts
        self._at_commit = at_commit

    def problems(self, meta: dict[str, Any], prompt: str, new: str) -> Iterator[str]:
        """Yield what does not hold of a row with a prompt and new code."""
        for excerpt in meta["context"]:
            yield from self._excerpt(excerpt, meta, prompt)
        yield from self._surroundings(meta, prompt)
        if not meta["is_redacted"]:
            yield from self._given(meta, prompt, new)
        for earlier in meta.get("earlier", ()):
            yield from self._earlier(earlier, meta, prompt)

    def is_at_commit(self, excerpt: dict[str, Any]) -> bool:
        """Tell whether an excerpt is of the tree that the commit left, not of the one before."""
        return self._at_commit or bool(excerpt["rule"] == EARLIER_RULE)

    def _earlier(self, earlier: dict[str, Any], meta: dict[str, Any], prompt: str) -> Iterator[str]:
        """Check an edit that a row is shown behind: it is of its commit, or of one before."""
        commit, path = earlier["commit"], earlier["path"]
        if commit != meta["commit"]:
            at: str | None = meta["parent"]
            while at is not None and at != commit:
                at = self._history.first_parent(at)
            if at is None:
                yield f"the edit of {path} is not from before: {commit}"
                return
        elif path == meta["path"] and _overlap(earlier["new"], meta["new"]):
            yield f"the edit of {path} is the row's own"
        places = (
            (earlier["new"], commit, path),
            (earlier["old"], self._history.first_parent(commit), earlier["old_path"]),
        )
        for place, tree, its_path in places:
            if place is None:
                continue
            if tree is None or self._history.tree(tree).get(its_path) != place["blob"]:
                yield f"the edit of {path} is not what {commit} did"
                continue
            text = range_of(self._history, place)
            if text is None or not (meta["is_redacted"] or text.decode("utf-8") in prompt):
                yield f"the prompt does not have the edit of {path}"

    def _surroundings(self, meta: dict[str, Any], prompt: str) -> Iterator[str]:
        """Check the file around the place: it is of before the commit, or what the commit made."""
        new = self._history.tree(meta["commit"]).get(meta["path"])
        for places in meta.get("surroundings", {}).values():
            pieces = []
            for place in places:
                piece = range_of(self._history, place)
                is_old = name_before(self._history, meta, place["blob"]) is not None
                # A part is shown the rest of its old code, which may have been in another file.
                is_old = is_old or _is_within(place, meta.get("edit", meta)["old"])
                if piece is None or not (is_old or place["blob"] == new):
                    yield f"the file around the place is no version of {meta['path']}"
                    return
                if place["blob"] == new and _overlap(place, meta["new"]):
                    yield "the file around the place shows the edit's own code"
                pieces.append(piece)
            shown = b"".join(pieces).decode("utf-8", "replace")
            if not meta["is_redacted"] and shown not in prompt:
                yield "the prompt does not have the file around the place"

    def _excerpt(self, excerpt: dict[str, Any], meta: dict[str, Any], prompt: str) -> Iterator[str]:
        is_at_commit = self.is_at_commit(excerpt)
        commit = meta["commit"] if is_at_commit else meta["parent"]
        path = excerpt["path"]
        if commit is None or self._history.tree(commit).get(path) != excerpt["blob"]:
            yield f"the excerpt of {path} is from a blob that {commit} does not have there"
            return
        pieces = []
        for start, end in excerpt["ranges"]:
            piece = range_of(self._history, {"blob": excerpt["blob"], "start": start, "end": end})
            if piece is None:
                yield f"the excerpt of {path} has a range outside of its blob"
                return
            pieces.append(piece if piece.endswith(b"\n") else piece + b"\n")
            own = meta["new"] if is_at_commit else meta["old"]
            own_path = meta["path"] if is_at_commit else meta["old_path"]
            is_own = own and (own_path, own["blob"]) == (path, excerpt["blob"])
            is_own = is_own and meta["part"][1] == 1
            if is_own and start < own["end"] and own["start"] < end:
                yield f"the excerpt of {path} shows the edit's own code"
        yield from self._frames(excerpt, meta, prompt)
        if meta["is_redacted"]:
            return
        if gaps := excerpt.get("gaps"):
            pieces = [with_gaps(b"".join(pieces).decode("utf-8", "replace"), gaps).encode()]
        if note := excerpt.get("note", ""):
            if not _NOTE.fullmatch(note):
                yield f"the excerpt of {path} has a note that says more than how much is left out"
            # It stands in front of the last line that is not blank.
            text = b"".join(pieces)
            before = text.rstrip().rfind(b"\n") + 1
            pieces = [text[:before], note.encode(), text[before:]]
        if not self._texts.is_shown(b"".join(pieces), excerpt["n_tokens"], prompt):
            yield f"the prompt does not have the excerpt of {path} ({excerpt['symbol']})"

    def _frames(self, excerpt: dict[str, Any], meta: dict[str, Any], prompt: str) -> Iterator[str]:
        """Check the containers around an excerpt: before the commit, or made by it, and shown."""
        path = excerpt["path"]
        before = set(self._history.tree(meta["parent"] or "").values())
        known = before | {self._history.tree(meta["commit"]).get(path)}
        for frame in excerpt.get("frames", ()):
            for brace in (frame["head"], frame["foot"]):
                text = range_of(self._history, brace)
                if text is None or brace["blob"] not in known:
                    yield f"a container in {path} is from a blob that the commit does not know"
                elif meta["part"][1] == 1 and _overlap(brace, meta["new"]):
                    yield f"a container in {path} shows the edit's own code"
                elif not meta["is_redacted"] and text.decode("utf-8", "replace") not in prompt:
                    yield f"the prompt does not have a container in {path}"

    def _given(self, meta: dict[str, Any], prompt: str, new: str) -> Iterator[str]:
        """Check that what a prompt says of an addition is so, of a long one in all of its parts."""
        if "edit" in meta:
            new = (range_of(self._history, meta["edit"]["new"]) or b"").decode("utf-8", "replace")
        for kind, said in meta.get("given", {}).items():
            is_there = all(word in new for word in said.split())
            if kind == "signature":
                is_there = "".join(said.split()) in "".join(new.split())
            if not is_there or said not in prompt:
                yield f"the {kind} that is given is not that of the new code"


def name_before(history: History, meta: dict[str, Any], blob: str) -> str | None:
    """Return the path at which a blob is the row's file before the commit; None for another file.

    That is its path, or a name that the commit took from it; only a row with old code says which.
    """
    before, after = history.tree(meta["parent"] or ""), history.tree(meta["commit"])
    path, old_path = meta["path"], meta["old_path"] if meta.get("is_rename") else None
    for name in (path, old_path):
        if name is not None and before.get(name) == blob:
            return str(name)
    if path in before:
        return None
    gone = (name for name, its_blob in before.items() if its_blob == blob and name not in after)
    return min(gone, default=None)


def _is_within(one: dict[str, Any], other: dict[str, Any] | None) -> bool:
    if other is None or one["blob"] != other["blob"]:
        return False
    return bool(other["start"] <= one["start"] and one["end"] <= other["end"])


def _overlap(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    if one is None or other is None or one["blob"] != other["blob"]:
        return False
    return bool(one["start"] < other["end"] and other["start"] < one["end"])
