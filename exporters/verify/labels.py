"""Checking which tokens of a row have loss."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from rsidx.exporters.edits.git_diff import LineDiffs
from rsidx.exporters.formats.common import IGNORED, MASKS
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import LEARNED_ROLES

_Row = Mapping[str, Any]


class LabelCheck:
    """Compares labels with what the roles say, and with git's diff where only changes have loss."""

    def __init__(self, labels: str, encoder: Encoder) -> None:
        self._labels = labels
        self._encoder = encoder
        self._diffs = LineDiffs()

    def warm(self, rows: Iterable[tuple[_Row, _Row]]) -> None:
        """Compare the code of rows, each with its meta line, by one git."""
        if self._labels == "changed":
            whole = (one for one in rows if "input_ids" in one[0] and "roles" in one[1])
            self._diffs.warm(self._sides(row["input_ids"], meta) for row, meta in whole)

    def problems(self, row: _Row, meta: _Row) -> Iterator[str]:
        """Yield what does not hold of a row's labels and attention mask."""
        ids, mask, labels = row["input_ids"], row["attention_mask"], row["labels"]
        if not len(ids) == len(mask) == len(labels):
            yield "its lists differ in length"
        expected: list[int] = []
        for role, n in meta["roles"]:
            start = len(expected)
            if role == "new" and self._labels == "changed":
                losses = self._changed(ids, meta, n)
            else:
                losses = [self._labels == "all" or role in LEARNED_ROLES] * n
            inside = zip(ids[start : start + n], losses, strict=False)
            expected += [token_id if has_loss else IGNORED for token_id, has_loss in inside]
        n_total = meta["n_tokens"]["total"]
        n_padding = len(ids) - n_total
        if labels != expected + [IGNORED] * n_padding:
            yield _SAID.get(self._labels, "its labels are not the new code and the end token")
        has_loss = [int(label != IGNORED) for label in labels]
        if any(row[name] != has_loss for name in MASKS if name in row):
            yield "a mask is not where its labels have loss"
        if mask != [1] * n_total + [0] * n_padding:
            yield "its attention mask is not all but the padding"

    def _changed(self, ids: list[int], meta: _Row, n_new: int) -> list[bool]:
        old, new = self._sides(ids, meta)
        # Each token's own start, not the tokenizer's word: by how much the decoded text grows.
        new_ids = ids_of_role(ids, meta, "new")
        return self._diffs.of(old, new).has_loss(self._starts(new_ids, new))[:n_new]

    def _starts(self, ids: list[int], text: str) -> list[int]:
        found = self._encoder.encode_spelled(text)
        if found is not None and found[0] == ids:
            return found[1]
        # Of what starts inside of a character, the text decoded so far has a replacement for it.
        texts = (self._encoder.decode(ids[:n]).rstrip("\N{REPLACEMENT CHARACTER}")
                 for n in range(len(ids)))  # fmt: skip
        return [len(one) for one in texts]

    def _sides(self, ids: list[int], meta: _Row) -> tuple[str, str]:
        decode = self._encoder.decode
        return decode(ids_of_role(ids, meta, "old")), decode(ids_of_role(ids, meta, "new"))


def ids_of_role(ids: list[int], meta: _Row, wanted: str) -> list[int]:
    """Return the ids of a role."""
    roles = [role for role, n in meta["roles"] for _ in range(n)]
    runs = groupby(zip(roles, ids, strict=False), lambda pair: pair[0])
    return [token_id for role, run in runs if role == wanted for _, token_id in run]


_SAID = {"changed": "its labels are not what changed in the new code and the end token"}
