"""Checking the rows of a data set, one after another, against git alone."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rsidx.errors import PlacementError
from rsidx.exporters.dataset.format import version_of
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.edits.line_ends import line_ends_of, with_line_ends
from rsidx.exporters.examples.kind import Shown
from rsidx.exporters.filters.licenses import covers, license_of
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.blocks import BlockReader
from rsidx.exporters.verify.context import ContextCheck, name_before
from rsidx.exporters.verify.conversations import ConversationCheck
from rsidx.exporters.verify.history import Source, dates_of, range_of
from rsidx.exporters.verify.labels import LabelCheck
from rsidx.exporters.verify.limit import LimitCheck
from rsidx.exporters.verify.order import SplitOrder
from rsidx.exporters.verify.related import Edits
from rsidx.exporters.verify.secrets import SecretCheck
from rsidx.exporters.verify.texts import RowTexts

PLACEHOLDER = re.compile(rb"<(?:KEY|PASSWORD|EMAIL)>")


@dataclass(slots=True)
class Checked:
    """How much was looked at."""

    n_files: int = 0
    n_rows: int = 0
    n_excerpts: int = 0
    n_redacted: int = 0


class Rows:
    """Checks the rows of one repository in their order.

    What is compared over all repositories, `order` and `edits`, is shared by those that check them.
    """

    def __init__(
        self,
        manifest: dict[str, Any],
        encoder: Encoder,
        source: Source,
        checked: Checked,
        order: SplitOrder,
        edits: Edits,
    ) -> None:
        history = source.history
        self._allowed = tuple(sorted(manifest["config"]["licenses"]))
        # Format version 0, of rsidx 0.1.0: no licence is recorded, and rows are encoded in pieces.
        self._is_first_format = version_of(manifest) == 0
        self._kind = KINDS[manifest["config"]["kind"]]
        self._has_loss_everywhere = manifest["config"]["labels"] == "all"
        self._conversations = ConversationCheck(encoder)
        self._blocks = BlockReader(encoder, history)
        self._labels = LabelCheck(manifest["config"]["labels"], encoder)
        self._texts = RowTexts(encoder, in_pieces=self._is_first_format)
        at_commit = manifest["config"].get("context_at") == "commit"
        self._context = ContextCheck(history, self._texts, at_commit=at_commit)
        self._history = history
        self._checked = checked
        self._order_of_splits = order
        self._dates = dates_of(history.commits, source.tips)
        self._last_edit: tuple[Any, str] = ([], "")
        keeps_secrets = "secrets" in manifest["config"]["keep"]
        self._secrets = SecretCheck(history.blob) if not keeps_secrets else None
        # An earlier release had no limit.
        self._limit = LimitCheck(manifest["config"].get("max_edits_per_commit", 0))
        self._edits = edits

    def warm(self, rows: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Prepare for rows that come next, each with its meta line."""
        self._labels.warm(rows)

    def problems(
        self, split: str, number: int, row: dict[str, Any], meta: dict[str, Any]
    ) -> Iterator[str]:
        """Yield what does not hold of a row."""
        self._checked.n_rows += 1
        commit, parent = meta["commit"], meta["parent"]
        if self._history.first_parent(commit) != parent:
            yield f"{parent} is not the first parent of {commit}"
            return
        yield from self._order(split, meta)
        if not self._is_first_format:
            yield from self._license(meta)
        yield from self._roles(meta, has_template="messages" in row)
        yield from _id(row, meta)
        texts: dict[str, str] = {}
        yield from self._read(row, meta, texts)
        try:
            texts["new"] = self._blocks.code(row, meta, texts["new"])
        except PlacementError as error:
            yield f"its blocks do not apply: {error}"
            return
        if self._secrets is not None:
            every = (*texts.values(), row.get("rejected", ""), *meta.get("text", {}).values())
            yield from self._secrets.problems(meta, "\n".join(every))
        self._checked.n_redacted += meta["is_redacted"]
        yield from self._limit.problems(meta)
        yield from self._line_ends(meta)
        if meta.get("is_rename") and meta["old_path"] in self._history.tree(commit):
            yield f"{meta['path']} is no new name of {meta['old_path']}, which is still there"
        for shown in self._kind.shown(meta):
            yield from self._shown(shown, meta, texts)
        if not (self._kind.has_prompt or self._has_loss_everywhere or meta["is_redacted"]):
            yield from self._losses(row, meta, texts["new"])
        # Without a prompt, the context is a part of the text.
        prompt = texts["prompt"] if self._kind.has_prompt else texts["new"]
        self._checked.n_excerpts += len(meta["context"])
        yield from self._context.problems(meta, prompt, texts["new"])
        self._remember(split, number, meta)

    def _read(
        self, row: dict[str, Any], meta: dict[str, Any], texts: dict[str, str]
    ) -> Iterator[str]:
        """Add what a row says to `texts`, and yield what does not hold of its columns."""
        if "messages" in row:
            yield from self._conversations.problems(row, meta)
            texts |= self._conversations.texts(row)
        elif "rejected" in row:
            texts |= {"prompt": row["prompt"], "new": row["chosen"]}
            if row["chosen"] == row["rejected"]:
                yield "its two answers are the same"
        elif "completion" in row:
            texts |= {"prompt": row["prompt"], "new": self._texts.without_end(row["completion"])}
        else:
            yield from self._labels.problems(row, meta)
            sides = self._texts.sides(row["input_ids"], meta, has_prompt=self._kind.has_prompt)
            yield from self._texts.problems(sides)
            texts |= self._texts.texts(sides)

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
        raw = range_of(self._history, place)
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
        window = range_of(self._history, meta["new"]) or b""
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
            (
                meta["commit"] if self._context.is_at_commit(excerpt) else meta["parent"],
                excerpt["path"],
            )
            for excerpt in meta["context"]
        }
        shown |= {place for place, side in ((new, edit["new"]), (old, edit["old"])) if side}
        if parent := meta["parent"]:
            places = (one for side in meta.get("surroundings", {}).values() for one in side)
            names = (name_before(self._history, meta, one["blob"]) for one in places)
            shown |= {(parent, name) for name in names if name is not None}
        for one in meta.get("earlier", ()):
            before = self._history.first_parent(one["commit"])
            sides = ((one["commit"], one["path"], "new"), (before, one["old_path"], "old"))
            shown |= {(commit, path) for commit, path, side in sides if one[side]}
        for commit, path in sorted(shown):
            if not covers(self._allowed, self._license_at(commit, path)):
                yield f"it shows {path} of {commit}, which is under no allowed licence"

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
        old, new = (range_of(self._history, side) if side is not None else b"" for side in sides)
        self._edits.add(SPLITS.index(split), number, PatchFingerprint.of(old or b"", new or b""))

    def _order(self, split: str, meta: dict[str, Any]) -> Iterator[str]:
        date = self._dates.get(meta["commit"])
        if date is None:
            yield f"the tips of the export do not reach {meta['commit']}"
            return
        yield from self._order_of_splits.problems(split, date, meta)

    def _roles(self, meta: dict[str, Any], *, has_template: bool) -> Iterator[str]:
        counted: Counter[str] = Counter()
        for role, n in meta["roles"]:
            counted[role] += n
        expected = {role: n for role, n in meta["n_tokens"].items() if n and role != "total"}
        # A window that the file goes on behind has no end.
        n_ends = 1 if self._kind.has_prompt else int(self._ends(meta))
        if has_template:
            # What a chat template writes behind an answer, if anything.
            n_ends = counted["end"]
        if counted != Counter(expected) + Counter(end=n_ends) or (
            counted.total() != meta["n_tokens"]["total"]
        ):
            yield "its roles are not its tokens"

    def _ends(self, meta: dict[str, Any]) -> bool:
        content = self._history.blob(meta["new"]["blob"])
        return content is not None and len(content) == meta["new"]["end"]

    def _line_ends(self, meta: dict[str, Any]) -> Iterator[str]:
        """Check that a target was given the line ends of the old code, or of the old file."""
        if "line_ends" not in meta:
            return
        side = meta.get("edit", meta)["old"]
        if side is not None:
            text = range_of(self._history, side)
        else:
            blob = self._history.tree(meta["parent"] or "").get(meta["path"])
            text = self._history.blob(blob) if blob is not None else None
            # Its first lines decide.
            text = text[: text.find(b"\n") + 1] if text is not None else None
        if text is None or line_ends_of(text) != meta["line_ends"]:
            yield "its line ends are not those of the old code"


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
