"""Checking the rows of a data set, one after another, against git alone."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rsidx.exporters.context.made import EARLIER_RULE
from rsidx.exporters.dataset.format import version_of
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.edits.line_ends import line_ends_of, with_line_ends
from rsidx.exporters.examples.kind import Shown
from rsidx.exporters.filters.licenses import covers, license_of
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits.chronology import believable
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.limit import LimitCheck
from rsidx.exporters.verify.related import Edits
from rsidx.exporters.verify.secrets import SecretCheck
from rsidx.exporters.verify.texts import RowTexts

_NOTE = re.compile(
    r"[ \t]*+// (?:[0-9]++ more (?:field|variant|item)s?"
    r"|bodies(?: and [0-9]++ more rules?)? left out)\n"
)
PLACEHOLDER = re.compile(rb"<(?:KEY|PASSWORD|EMAIL)>")


class History(Protocol):
    """What git says, by hexadecimal object id."""

    def tree(self, commit: str) -> Mapping[str, str]:
        """Return path → blob of a commit; empty where there is no such commit."""

    def blob(self, oid: str) -> bytes | None:
        """Return a blob's bytes, None where it is missing."""

    def manifest(self, oid: str) -> Mapping[str, Any]:
        """Return the facts of a Cargo.toml, none where it cannot be read."""

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent."""

    @property
    def commits(self) -> dict[str, tuple[tuple[str, ...], int]]:
        """Every commit that a ref reaches with its parents and date, parents before children."""


@dataclass(slots=True)
class Checked:
    """How much was looked at."""

    n_files: int = 0
    n_rows: int = 0
    n_excerpts: int = 0
    n_redacted: int = 0


class Rows:
    """Checks rows in their order; `_newest` is the newest commit of the splits before."""

    def __init__(
        self, manifest: dict[str, Any], encoder: Encoder, history: History, checked: Checked
    ) -> None:
        self._at_commit = manifest["config"].get("context_at") == "commit"
        self._allowed = tuple(sorted(manifest["config"]["licenses"]))
        # Format version 0, of rsidx 0.1.0: no licence is recorded, and rows are encoded in pieces.
        self._is_first_format = version_of(manifest) == 0
        self._kind = KINDS[manifest["config"]["kind"]]
        self._labels_all = manifest["config"]["labels"] == "all"
        self._texts = RowTexts(encoder, in_pieces=self._is_first_format)
        self._history = history
        self._checked = checked
        self._split = ""
        self._newest_before = self._newest = -1
        self._dates = dates_of(history.commits, manifest["tips"].values())
        self._last_edit: tuple[Any, str] = ([], "")
        keeps_secrets = "secrets" in manifest["config"]["keep"]
        self._secrets = SecretCheck(history.blob) if not keeps_secrets else None
        # An earlier release had no limit.
        self._limit = LimitCheck(manifest["config"].get("max_edits_per_commit", 0))
        self.edits = Edits()

    def problems(
        self, split: str, number: int, row: dict[str, Any], meta: dict[str, Any]
    ) -> Iterator[str]:
        """Yield what does not hold of a row."""
        self._checked.n_rows += 1
        commit, parent = meta["commit"], meta["parent"]
        if self._history.first_parent(commit) != parent:
            yield f"{parent} is not the first parent of {commit}"
            return
        yield from self._order(split, commit)
        if not self._is_first_format:
            yield from self._license(meta)
        yield from self._roles(meta)
        yield from _id(row, meta)
        if "completion" in row:
            texts = {"prompt": row["prompt"], "new": self._texts.without_end(row["completion"])}
        else:
            yield from self._lists(row, meta)
            sides = self._texts.sides(row["input_ids"], meta, has_prompt=self._kind.has_prompt)
            yield from self._texts.problems(sides)
            texts = self._texts.texts(sides)
        if self._secrets is not None:
            every = (*texts.values(), *meta.get("text", {}).values())
            yield from self._secrets.problems(meta, "\n".join(every))
        self._checked.n_redacted += meta["is_redacted"]
        yield from self._limit.problems(meta)
        yield from self._line_ends(meta)
        if meta.get("is_rename") and meta["old_path"] in self._history.tree(commit):
            yield f"{meta['path']} is no new name of {meta['old_path']}, which is still there"
        for shown in self._kind.shown(meta):
            yield from self._shown(shown, meta, texts)
        if not (self._kind.has_prompt or self._labels_all or meta["is_redacted"]):
            yield from self._losses(row, meta, texts["new"])
        # Without a prompt, the context is a part of the text.
        prompt = texts["prompt"] if self._kind.has_prompt else texts["new"]
        for excerpt in meta["context"]:
            yield from self._excerpt(excerpt, meta, prompt)
        yield from self._surroundings(meta, prompt)
        if not meta["is_redacted"]:
            yield from _given(meta.get("given", {}), texts["new"], prompt)
        for earlier in meta.get("earlier", ()):
            yield from self._earlier(earlier, meta, prompt)
        self._remember(split, number, meta)

    def _shown(self, shown: Shown, meta: dict[str, Any], texts: dict[str, str]) -> Iterator[str]:
        """Check that what a row shows of the edited file is what git has there."""
        place, role = shown.place, shown.role
        if place is None:
            if role == "new" and texts["new"]:
                yield f"there is {role} code, and no place for it"
            return
        commit, path = (
            (meta["commit"], meta["path"])
            if shown.side == "new"
            else (meta["parent"], meta["old_path"])
        )
        raw = self._range(place)
        if self._history.tree(commit).get(path) != place["blob"]:
            yield f"{path} is not the blob {place['blob']} at {commit}"
        elif raw is None:
            yield f"the {role} code has a range outside of its blob"
        elif role == "new":
            if not any(_is_text(text, raw, meta) for text in self._targets(texts["new"], path)):
                yield f"the {role} code is not what {path} has there"
        elif not (meta["is_redacted"] or self._texts.is_whole(raw, texts["prompt"])):
            yield f"the prompt does not have the {role} code"

    def _targets(self, text: str, path: str) -> Iterator[str]:
        """Yield what may be the code in a text: without a prompt its end, under the path."""
        if self._kind.has_prompt:
            yield text
            return
        for heading in re.finditer(re.escape(f"{path}\n"), text):
            yield text[heading.end() :]

    def _losses(self, row: dict[str, Any], meta: dict[str, Any], text: str) -> Iterator[str]:
        """Check that what has loss is what a row without a prompt says."""
        window = self._range(meta["new"]) or b""
        first = len(text) - len(window.decode("utf-8", "replace"))
        ranges = [[at - meta["new"]["start"] for at in one] for one in meta["learned"]]
        if any(not 0 <= start <= end <= len(window) for start, end in ranges):
            yield "what has loss is outside of what it shows"
            return
        learned = [
            tuple(first + len(window[:at].decode("utf-8", "replace")) for at in one)
            for one in ranges
        ]
        yield from self._texts.losses(row, text, learned)

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
            text = self._range(place)
            if text is None or not (meta["is_redacted"] or text.decode("utf-8") in prompt):
                yield f"the prompt does not have the edit of {path}"

    def _license(self, meta: dict[str, Any]) -> Iterator[str]:
        """Check that a row names the right licence and shows only what the licence gate allows."""
        new, old = (meta["commit"], meta["path"]), (meta["parent"], meta["old_path"])
        edit = meta.get("edit", meta)
        found = self._license_at(*(new if edit["new"] is not None else old))
        if found != meta["license"]:
            yield f"it is under {found or 'no licence'}, and says {meta['license'] or 'none'}"
        if not self._allowed:
            return
        shown = {
            (meta["commit"] if self._is_at_commit(excerpt) else meta["parent"], excerpt["path"])
            for excerpt in meta["context"]
        }
        shown |= {place for place, side in ((new, edit["new"]), (old, edit["old"])) if side}
        if before_commit := meta["parent"]:
            path = meta["old_path"] if meta.get("is_rename") else meta["path"]
            blob = self._history.tree(before_commit).get(path)
            places = (one for side in meta.get("surroundings", {}).values() for one in side)
            shown |= {(before_commit, path) for one in places if one["blob"] == blob}
        for one in meta.get("earlier", ()):
            before = self._history.first_parent(one["commit"])
            sides = ((one["commit"], one["path"], "new"), (before, one["old_path"], "old"))
            shown |= {(commit, path) for commit, path, side in sides if one[side]}
        for commit, path in sorted(shown):
            if not covers(self._allowed, self._license_at(commit, path)):
                yield f"it shows {path} of {commit}, which is under no allowed licence"

    def _is_at_commit(self, excerpt: dict[str, Any]) -> bool:
        """Tell whether an excerpt is of the tree that the commit left, not of the one before."""
        return self._at_commit or bool(excerpt["rule"] == EARLIER_RULE)

    def _license_at(self, commit: str | None, path: str) -> str | None:
        tree = self._history.tree(commit) if commit is not None else {}

        def facts(folder: bytes) -> Mapping[str, Any] | None:
            name = folder.decode("utf-8", "replace")
            oid = tree.get(f"{name}/Cargo.toml" if name else "Cargo.toml")
            return self._history.manifest(oid) if oid is not None else None

        return license_of(path.encode("utf-8", "replace"), facts)

    def _remember(self, split: str, number: int, meta: dict[str, Any]) -> None:
        """Keep what an edit is compared by, once for all of its rows."""
        edit = meta.get("edit", meta)
        sides = [edit[name] for name in ("old", "new")]
        if "edit" in meta and (sides, meta["commit"]) == self._last_edit:
            return
        self._last_edit = (sides, meta["commit"])
        old, new = (self._range(side) if side is not None else b"" for side in sides)
        self.edits.add(SPLITS.index(split), number, PatchFingerprint.of(old or b"", new or b""))

    def _order(self, split: str, commit: str) -> Iterator[str]:
        if split != self._split:
            self._split, self._newest_before = split, self._newest
        date = self._dates.get(commit)
        if date is None:
            yield f"the tips of the export do not reach {commit}"
            return
        if date < self._newest_before:
            yield f"{commit} is older than a row of an earlier split"
        self._newest = max(self._newest, date)

    def _roles(self, meta: dict[str, Any]) -> Iterator[str]:
        counted: Counter[str] = Counter()
        for role, n in meta["roles"]:
            counted[role] += n
        expected = {role: n for role, n in meta["n_tokens"].items() if n and role != "total"}
        # A window that the file goes on behind has no end.
        n_ends = 1 if self._kind.has_prompt else int(self._ends(meta))
        if counted != Counter(expected) + Counter(end=n_ends) or (
            counted.total() != meta["n_tokens"]["total"]
        ):
            yield "its roles are not its tokens"

    def _ends(self, meta: dict[str, Any]) -> bool:
        content = self._history.blob(meta["new"]["blob"])
        return content is not None and len(content) == meta["new"]["end"]

    def _lists(self, row: dict[str, Any], meta: dict[str, Any]) -> Iterator[str]:
        ids, mask, labels = row["input_ids"], row["attention_mask"], row["labels"]
        if not len(ids) == len(mask) == len(labels):
            yield "its lists differ in length"
        expected: list[int] = []
        for role, n in meta["roles"]:
            start = len(expected)
            has_loss = self._labels_all or role in ("new", "end")
            expected += ids[start : start + n] if has_loss else [-100] * n
        n_total = meta["n_tokens"]["total"]
        n_padding = len(ids) - n_total
        if labels != expected + [-100] * n_padding:
            yield "its labels are not the new code and the end token"
        if mask != [1] * n_total + [0] * n_padding:
            yield "its attention mask is not all but the padding"

    def _line_ends(self, meta: dict[str, Any]) -> Iterator[str]:
        """Check that a target was given the line ends of the old code, or of the old file."""
        if "line_ends" not in meta:
            return
        side = meta.get("edit", meta)["old"]
        if side is not None:
            text = self._range(side)
        else:
            blob = self._history.tree(meta["parent"] or "").get(meta["path"])
            text = self._history.blob(blob) if blob is not None else None
            # Its first lines decide.
            text = text[: text.find(b"\n") + 1] if text is not None else None
        if text is None or line_ends_of(text) != meta["line_ends"]:
            yield "its line ends are not those of the old code"

    def _surroundings(self, meta: dict[str, Any], prompt: str) -> Iterator[str]:
        """Check the file around the place: it is of before the commit, or what the commit made."""
        before, after = self._history.tree(meta["parent"] or ""), self._history.tree(meta["commit"])
        # A file that has a new name stood at its old one.
        names = (meta["path"], meta["old_path"] if meta.get("is_rename") else None)
        versions = {before.get(name or ""): "old" for name in names}
        versions[after.get(meta["path"])] = "new"
        for places in meta.get("surroundings", {}).values():
            pieces = []
            for place in places:
                side = versions.get(place["blob"])
                piece = self._range(place)
                if side is None or piece is None:
                    yield f"the file around the place is no version of {meta['path']}"
                    return
                if side == "new" and _overlap(place, meta["new"]):
                    yield "the file around the place shows the edit's own code"
                pieces.append(piece)
            shown = b"".join(pieces).decode("utf-8", "replace")
            if not meta["is_redacted"] and shown not in prompt:
                yield "the prompt does not have the file around the place"

    def _range(self, place: Mapping[str, Any]) -> bytes | None:
        content = self._history.blob(place["blob"])
        if content is None or not 0 <= place["start"] <= place["end"] <= len(content):
            return None
        return content[place["start"] : place["end"]]

    def _excerpt(self, excerpt: dict[str, Any], meta: dict[str, Any], prompt: str) -> Iterator[str]:
        self._checked.n_excerpts += 1
        is_at_commit = self._is_at_commit(excerpt)
        commit = meta["commit"] if is_at_commit else meta["parent"]
        path = excerpt["path"]
        if commit is None or self._history.tree(commit).get(path) != excerpt["blob"]:
            yield f"the excerpt of {path} is from a blob that {commit} does not have there"
            return
        pieces = []
        for start, end in excerpt["ranges"]:
            piece = self._range({"blob": excerpt["blob"], "start": start, "end": end})
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
        if meta["is_redacted"]:
            return
        if note := excerpt.get("note", ""):
            if not _NOTE.fullmatch(note):
                yield f"the excerpt of {path} has a note that says more than how much is left out"
            # It stands in front of the last line that is not blank.
            text = b"".join(pieces)
            before = text.rstrip().rfind(b"\n") + 1
            pieces = [text[:before], note.encode(), text[before:]]
        if not self._texts.is_shown(b"".join(pieces), excerpt["n_tokens"], prompt):
            yield f"the prompt does not have the excerpt of {path} ({excerpt['symbol']})"


def _given(given: Mapping[str, str], new: str, prompt: str) -> Iterator[str]:
    """Check that what a prompt says of an addition is so."""
    for kind, said in given.items():
        is_there = all(word in new for word in said.split())
        if kind == "signature":
            is_there = "".join(said.split()) in "".join(new.split())
        if not is_there or said not in prompt:
            yield f"the {kind} that is given is not that of the new code"


def _is_text(text: str, raw: bytes, meta: dict[str, Any]) -> bool:
    """Tell whether a text is some bytes, but for what the row says: placeholders and line ends."""
    data = text.encode()
    shown = raw
    if "line_ends" in meta:
        shown = with_line_ends(raw.decode("utf-8", "replace"), meta["line_ends"]).encode()
        if shown == raw:
            return False
    return _fills(PLACEHOLDER.split(data) if meta["is_redacted"] else [data], shown)


def _id(row: dict[str, Any], meta: dict[str, Any]) -> Iterator[str]:
    # Rows of ids have none, and version 0.1.0 gave rows of text none.
    if row.get("id", meta["id"]) != meta["id"]:
        yield "its id is not that of its meta line"


def _fills(parts: list[bytes], raw: bytes) -> bool:
    """Tell whether a text is some parts in their order, with something between each two."""
    first, *others = parts
    if not raw.startswith(first):
        return False
    if not others:
        return raw == first
    end = len(first)
    for part in others[:-1]:
        # Its first occurrence leaves the most room for the others.
        at = raw.find(part, end + 1)
        if at < 0:
            return False
        end = at + len(part)
    return raw.endswith(others[-1]) and len(raw) - len(others[-1]) > end


def dates_of(
    commits: dict[str, tuple[tuple[str, ...], int]], tips: Iterable[str]
) -> dict[str, int]:
    """Return the believable date of each commit that the tips reach."""
    reached = set(tips)
    for oid in reversed(commits):
        if oid in reached:
            reached.update(commits[oid][0])
    return believable((oid, *facts) for oid, facts in commits.items() if oid in reached)


def _overlap(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    if one is None or other is None or one["blob"] != other["blob"]:
        return False
    return bool(one["start"] < other["end"] and other["start"] < one["end"])
