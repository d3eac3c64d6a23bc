"""Exchange the new code of real edits, and compare what stands in front of the loss.

    python benchmarks/foreknowledge.py REPO --tokenizer FILE [--edits N] [--seed S] [--any-kind]

REPO must be indexed (`rsidx backfill`); it is only read. In a clone of it, each drawn edit is
committed twice on its real parent: as it was, and with the new code of another drawn edit of the
same change and kind (of a function, or whatever has a body: with the other's body). First the edit
is alone in its commit; then the whole real commit of 2 to 8 edits is made, and one of its edits is
exchanged. Both are exported with all filters off that could leave one of them out, and the ids in
front of the loss must be the same: of the edit itself, and of those in front of it in the commit.
Prints how many pairs were compared and how many were none, by reason, and each difference; exits 1
if there is any.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from baselines import Repository
from drawn_edits import WHOLE_FILE, Drawn, History
from tokenizers import Tokenizer

import rsidx

_KEPT = (
    "merges bots bulk messages vendored foreign conflict_copies generated encoded long_lines "
    "letters deletions formatting comments import_order syntax messages_target duplicates related "
    "near_duplicates"
).split()
_MAX_PER_COMMIT = 2
_SPARE = 1.5
_SHOWN_CHARS = 300


class Commits(Repository):
    """A repository whose commits are read, too."""

    def message(self, commit: str) -> bytes:
        """Return a commit's message as it is stored."""
        return self._run("cat-file", "commit", commit).partition(b"\n\n")[2]

    def tree_of(self, commit: str) -> str:
        """Return the object id of a commit's tree."""
        return self._run("rev-parse", f"{commit}^{{tree}}").decode().strip()


@dataclass(slots=True)
class Pair:
    """An edit, committed as it was and with other code: the names of the two branches."""

    drawn: Drawn
    exchanged: bytes
    branches: tuple[str, str]
    is_whole: bool
    rows: tuple[list["Row"], list["Row"]] = field(default_factory=lambda: ([], []))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an export: its meta line, and the ids in front of its loss."""

    meta: dict[str, Any]
    ids: tuple[int, ...]


def pairs_of(
    drawn: Sequence[Drawn], chance: random.Random, prefix: str, *, is_whole: bool, any_kind: bool
) -> Iterator[Pair]:
    """Yield each edit with the new code of another one of its group."""
    groups: dict[object, list[Drawn]] = {}

    def group(one: Drawn) -> object:
        is_free = any_kind and one.change == "add" and one.kind != WHOLE_FILE
        return "add" if is_free else one.group

    for one in drawn:
        groups.setdefault(group(one), []).append(one)
    for number, one in enumerate(drawn):
        others = [other for other in groups[group(one)] if other.code.strip() != one.code.strip()]
        if others:
            exchanged = one.with_code_of(chance.choice(others))
            branches = (f"{prefix}/{number}/as-it-was", f"{prefix}/{number}/exchanged")
            yield Pair(one, exchanged, branches, is_whole)


def fast_import(repository: Commits, pairs: Iterable[Pair], time: int) -> Iterator[bytes]:
    """Yield what `git fast-import` makes the branches of."""
    for pair in pairs:
        drawn = pair.drawn
        parent = drawn.commit.parents[0]
        base = drawn.commit.oid if pair.is_whole else parent
        file = repository.blob(f"{base}:{drawn.path}") or b""
        start, end = drawn.new_place if pair.is_whole else drawn.place
        message = repository.message(drawn.commit.oid)
        for branch, code in zip(pair.branches, (drawn.new, pair.exchanged), strict=True):
            yield f"commit refs/heads/{branch}\n".encode()
            yield f"committer rsidx <rsidx@example.com> {time} +0000\n".encode()
            yield b"data %d\n%s\nfrom %s\n" % (len(message), message, parent.encode())
            if pair.is_whole:
                yield b'M 040000 %s ""\n' % repository.tree_of(base).encode()
            content = file[:start] + code + file[end:]
            yield f"M 100644 inline {drawn.path}\n".encode()
            yield b"data %d\n%s\n" % (len(content), content)


def rows_by_commit(out: Path) -> dict[str, list[Row]]:
    """Return the rows of an export by their commits, in order."""
    found: dict[str, list[Row]] = {}
    with (out / "train.jsonl").open("rb") as rows, (out / "train.meta.jsonl").open("rb") as metas:
        for row, meta in zip(map(json.loads, rows), map(json.loads, metas), strict=True):
            n_prompt = next(n for n, label in enumerate(row["labels"]) if label != -100)
            one = Row(meta, tuple(row["input_ids"][:n_prompt]))
            found.setdefault(meta["commit"], []).append(one)
    return found


def why_no_pair(index: rsidx.Index, pair: Pair) -> str | None:
    """Return why two commits are not the same edit with other code; None where they are."""
    left = [list(index.commit(f"refs/heads/{branch}").edits()) for branch in pair.branches]
    codes = (pair.drawn.new, pair.exchanged)
    rest: list[Counter[object]] = []
    own: list[list[object]] = []
    for edits, code in zip(left, codes, strict=True):
        is_own = [_is_own(edit, pair.drawn, code.decode()) for edit in edits]
        own.append([_what(edit) for edit, mine in zip(edits, is_own, strict=True) if mine])
        others = (edit for edit, mine in zip(edits, is_own, strict=True) if not mine)
        rest.append(Counter((_what(edit), edit.new) for edit in others))
    if pair.drawn.kind == WHOLE_FILE:
        is_added = all(
            edit.change == "add" for edits in left for edit in edits if edit.path == pair.drawn.path
        )
        own = [own[0][:1], own[0][:1]] if is_added else own
    if not own[0]:
        return "the edit is another when it is alone"
    if own[0] != own[1]:
        return "the exchanged code is another edit"
    if rest[0] != rest[1]:
        return "the other edits are paired otherwise"
    return None


def _is_own(edit: rsidx.Edit, drawn: Drawn, code: str) -> bool:
    if edit.path != drawn.path:
        return False
    return drawn.kind == WHOLE_FILE or (edit.change == drawn.change and edit.new == code)


def _what(edit: rsidx.Edit) -> tuple[object, ...]:
    """Return what is known of an edit before it is made."""
    return edit.path, edit.old_path, edit.change, edit.container, edit.old_line, edit.old


def compared(pair: Pair) -> tuple[str, list[tuple[Row, Row]]]:
    """Return what became of a pair, and the rows of both commits up to the exchanged one."""
    found = [_own_row(pair, rows) for rows in pair.rows]
    ends = [end for end in found if end is not None]
    if len(ends) < len(found):
        is_cut = any(_is_cut(pair.drawn, row.meta) for rows in pair.rows for row in rows)
        return "in parts" if is_cut else "a row is missing", []
    before, behind = (rows[: end + 1] for rows, end in zip(pair.rows, ends, strict=True))
    if any(rows[-1].meta["part"] != [1, 1] for rows in (before, behind)):
        return "in parts", []
    if [_known(row) for row in before[:-1]] != [_known(row) for row in behind[:-1]]:
        return "ORDER DIFFERS", list(zip(before, behind, strict=False))
    rows = list(zip(before, behind, strict=True))
    is_same = all(one.ids == other.ids for one, other in rows)
    return "same" if is_same else "DIFFERENT", rows


def _own_row(pair: Pair, rows: Sequence[Row]) -> int | None:
    """Return which row of a commit is the drawn edit's; of a new file it is the first."""
    drawn = pair.drawn
    code = pair.drawn.new if rows is pair.rows[0] else pair.exchanged
    for number, row in enumerate(rows):
        meta = row.meta
        if meta["path"] != drawn.path or meta["change"] != drawn.change:
            continue
        if drawn.kind == WHOLE_FILE or meta["text"]["new"].strip() == code.decode().strip():
            return number
        old = meta["old"]
        if old is not None and drawn.place == (old["start"], old["end"]):
            return number
    return None


def _is_cut(drawn: Drawn, meta: dict[str, Any]) -> bool:
    is_there = (meta["path"], meta["change"]) == (drawn.path, drawn.change)
    return is_there and meta["part"] != [1, 1]


def _known(row: Row) -> tuple[object, ...]:
    meta = row.meta
    names = ("path", "old_path", "change", "container", "kind", "symbol", "old", "part")
    return (*(meta[name] for name in names), meta["text"]["new"])


def show(pair: Pair, rows: Iterable[tuple[Row, Row]], tokenizer: Tokenizer) -> None:
    """Print where prompts part."""
    drawn = pair.drawn
    about = f"{drawn.change} {drawn.kind} {drawn.symbol} in {drawn.path}"
    print(f"\n{pair.branches[1]}: {about} of {drawn.commit.oid} on {drawn.commit.parents[0][:12]}")
    for one, other in rows:
        texts = [tokenizer.decode(row.ids, skip_special_tokens=False) for row in (one, other)]
        whats = [
            f"{row.meta['change']} {row.meta['symbol']} {row.meta['path']}" for row in (one, other)
        ]
        if one.ids == other.ids and whats[0] == whats[1]:
            continue
        shorter = min(map(len, texts))
        at = next((n for n in range(shorter) if texts[0][n] != texts[1][n]), shorter)
        for what, text, row in zip(whats, texts, (one, other), strict=True):
            print(f"  {what}: {len(row.ids)} ids, from character {at} of {len(text)}:")
            print(f"    {text[max(0, at - 80) : at]!r}\n    {text[at : at + _SHOWN_CHARS]!r}")
        break


def run(options: argparse.Namespace, folder: Path) -> int:
    """Compare the prompts of all pairs; return how many differ."""
    clone = folder / "clone"
    git = ["git", "-C", str(clone)]
    subprocess.run(["git", "clone", "-q", "--no-checkout", options.repo, clone], check=True)
    with rsidx.open(options.repo) as index, Commits(options.repo) as repository:
        (clone / ".git" / "rsidx").mkdir()
        index.backup(clone / ".git" / "rsidx" / "index.db")
        name = index.name
        history = History(repository, index, options.seed)
        n_drawn = int(options.edits * _SPARE)
        single = history.draw(n_drawn, range(1, 200), _MAX_PER_COMMIT)
        whole = history.draw(n_drawn, range(2, 9), 1)
        pairs = [
            pair
            for drawn, prefix, is_whole in ((single, "alone", False), (whole, "whole", True))
            for pair in pairs_of(
                drawn, history.random, prefix, is_whole=is_whole, any_kind=options.any_kind
            )
        ]
        since = history.newest + timedelta(days=2)
        time = int((since + timedelta(days=2)).timestamp())
        stream = b"".join(fast_import(repository, pairs, time))
    subprocess.run([*git, "fast-import", "--quiet"], input=stream, check=True)
    n_different = 0
    branches = tuple(f"refs/heads/{branch}" for pair in pairs for branch in pair.branches)
    with rsidx.open(clone, name=name) as index:
        index.backfill(branches)
        reasons = [why_no_pair(index, pair) for pair in pairs]
        commits = [[index.commit(f"refs/heads/{name}").oid for name in p.branches] for p in pairs]
        for markers in ("extended", "native"):
            config = rsidx.ExportConfig(
                str(options.tokenizer),
                keep=tuple(_KEPT),
                split="1,0,0",
                embargo="0",
                since=f"{since:%Y-%m-%d}",
                markers=markers,
                max_tokens=options.max_tokens,
                context_tokens=options.context_tokens,
                # Which additions say their name is drawn by the commit's id.
                given=0.0,
                text=True,
                revisions=branches,
            )
            out = folder / markers
            index.export(out, config)
            rows = rows_by_commit(out)
            tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
            counted: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
            n_rows: Counter[bool] = Counter()
            for pair, reason, (one, other) in zip(pairs, reasons, commits, strict=True):
                pair.rows = rows.get(one, []), rows.get(other, [])
                what, shown = (f"no pair: {reason}", []) if reason else compared(pair)
                counted[pair.is_whole][what] += 1
                n_rows[pair.is_whole] += len(shown)
                if what.isupper():
                    n_different += 1
                    show(pair, shown, tokenizer)
            for is_whole, found in counted.items():
                title = "whole commits" if is_whole else "one edit alone"
                print(
                    f"{markers}, {title}: {dict(found.most_common())}; {n_rows[is_whole]} prompts"
                )
    return n_different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-tokens", type=int, default=4096)
    parser.add_argument("--context-tokens", type=int, default=2048)
    parser.add_argument("--any-kind", action="store_true", help="exchange items of all kinds")
    parser.add_argument("--keep", type=Path, help="leave the clone and the exports in a new folder")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir()
        sys.exit(run(options, options.keep) > 0)
    with TemporaryDirectory() as folder:
        sys.exit(run(options, Path(folder)) > 0)


if __name__ == "__main__":
    main()
