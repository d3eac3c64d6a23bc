"""Measure the resolver against the compiler: precision by rule, recall by kind of reference.

    python benchmarks/judge.py --mirrors FOLDER [--json FILE] [--wrong N] [CRATE ...]

FOLDER has a clone of each repository that `crates.toml` lists, as `owner+name/repo` or
`owner+name`. For each crate at each of its commits, rustdoc (with `RUSTC_BOOTSTRAP=1` where it is
no nightly one) writes pages in which every identifier that the compiler resolved links to its
definition; each link is compared with what the resolver says of the same identifier: the same
file and the same first line. A reference is judged by path segment, the first answer alone.

Precision is of all answers that have a link beside them, links out of the crate included.
Recall is of all links to a definition that the index has; links in `use` declarations and to
local variables are left out, and so is what macros define.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rustdoc import Link, document, edition, read_page

from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.resolver.files import Definition
from rsidx.exporters.resolver.references import EXACT_RULES, CodeLocation, Resolver
from rsidx.indexer.rust.facts import extract
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader
from rsidx.store.records import Import, Reference

_FRACTIONS = (0.45, 0.7, 1.0)
_TRIES = 30
_WORD = re.compile(r"[A-Za-z_]\w*")
_USE = re.compile(rb"\buse\s[^;]*;")


@dataclass
class Tally:
    """Counts for one crate at one commit."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    sought: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add another tally's counts."""
        for name in ("right", "wrong", "found", "sought", "answered", "unjudged"):
            getattr(self, name).update(getattr(other, name))
        self.examples += other.examples


@dataclass(frozen=True)
class Mention:
    """A segment of a reference where it stands: the end of its identifier in the file."""

    end: int
    reference: Reference
    segment: int
    site: CodeLocation


class _Judged:
    """One crate at one commit, resolved."""

    def __init__(self, reader: Reader, snapshot: Snapshot, folder: str) -> None:
        self.reader = reader
        self.files = snapshot.files
        self.folder = folder
        self.resolver = Resolver(reader)
        self.resolver.move(snapshot.files, None)
        self.path_ids = {
            path.decode("utf-8", "replace"): path_id
            for path, path_id in reader.path_ids().items()
            if path_id in snapshot.files
        }
        self._lines: dict[int, list[int]] = {}
        self._items: dict[int, dict[tuple[int, int], list[str]]] = {}

    def path_id(self, name: str) -> int | None:
        return self.path_ids.get(self.full(name))

    def full(self, name: str) -> str:
        """Return a path of the repository for one that is relative to the crate's root file."""
        return os.path.normpath(PurePosixPath(self.folder) / name)

    def line(self, blob_id: int, offset: int) -> int:
        if blob_id not in self._lines:
            text = self.reader.blob_text(blob_id)
            self._lines[blob_id] = [i for i, byte in enumerate(text) if byte == 10]
        return bisect_right(self._lines[blob_id], offset - 1) + 1

    def items(self, path_id: int) -> dict[tuple[int, int], list[str]]:
        """Return the names of a file's symbols by their first and last line."""
        if path_id not in self._items:
            found: dict[tuple[int, int], list[str]] = {}
            blob_id, start = self.files[path_id], 0
            for chunk in self.reader.chunks(blob_id):
                for symbol in self.reader.symbols(chunk.id):
                    if symbol.kind in ("impl", "field"):
                        continue
                    first = self.line(blob_id, start + symbol.start)
                    last = self.line(blob_id, max(start, start + symbol.end - 1))
                    if chunk.kind.endswith("_header"):
                        last = 0
                    found.setdefault((first, last), []).append(symbol.name)
                start += chunk.n_bytes
            self._items[path_id] = found
        return self._items[path_id]

    def is_item(self, link: Link) -> bool:
        """Tell whether a link leads to a definition that the index has, not to a local variable."""
        path_id = self.path_id(link.target)
        if path_id is None:
            return False
        items = self.items(path_id)
        for key in ((link.first_line, link.last_line), (link.first_line, 0)):
            names = items.get(key, ())
            if link.text in names or (names and link.last_line > link.first_line):
                return True
        return False

    def mentions(self, path_id: int) -> Iterator[Mention]:
        blob_id, start = self.files[path_id], 0
        for chunk in self.reader.chunks(blob_id):
            text = self.reader.text(chunk.id)
            imports: tuple[Import, ...] = ()
            if chunk.kind != "imports":
                imports = self.reader.imports(chunk.id)
            site = CodeLocation(path_id, chunk.container, imports)
            seen: list[tuple[str, str, int, int]] = []
            facts = extract(chunk.kind, chunk.container, text, _noting(seen))
            kept = {(r.kind, r.path) for r in facts.references}
            for kind, path, first, last in seen:
                if (kind, path) in kept:
                    yield from _segments(text, start, (kind, path, first, last), site)
            start += chunk.n_bytes

    def imports(self, path_id: int) -> list[tuple[int, int]]:
        """Return the ranges of a file's `use` declarations."""
        blob_id, start = self.files[path_id], 0
        source = self.reader.blob_text(blob_id)
        found = [match.span() for match in _USE.finditer(source)]
        for chunk in self.reader.chunks(blob_id):
            if chunk.kind == "imports":
                found.append((start, start + chunk.n_bytes))
            start += chunk.n_bytes
        return found

    def where(self, definition: Definition) -> tuple[str, int]:
        path = self.resolver.modules.path(definition.path_id)
        return path, self.line(definition.blob_id, definition.range[0])


def _noting(seen: list[tuple[str, str, int, int]]) -> Callable[[str, str, int, int], None]:
    return lambda *mention: seen.append(mention)


def _segments(
    text: bytes, start: int, mention: tuple[str, str, int, int], site: CodeLocation
) -> Iterator[Mention]:
    kind, path, first, last = mention
    reference = Reference(kind, path)
    words = _top_words(text[first:last].decode("utf-8", "replace"))
    if kind in ("method", "field"):
        words = words[-1:]
    names = path.split("::")
    offset = len(names) - len(words) if kind not in ("method", "field") else 0
    for number, (_, end) in enumerate(words):
        size = len(text[first:last].decode("utf-8", "replace")[:end].encode())
        yield Mention(start + first + size, reference, number + offset, site)


def _top_words(text: str) -> list[tuple[str, int]]:
    """Return the identifiers outside `<..>` with their ends."""
    words = []
    for match in _WORD.finditer(text):
        before = text[: match.start()].replace("->", "")
        if before.count("<") == before.count(">"):
            words.append((match.group(), match.end()))
    return words


def judge(judged: _Judged, pages: Path, n_wrong: int) -> Tally:
    """Compare every link of a crate's pages with the resolver's answer."""
    tally = Tally()
    for page in sorted(pages.rglob("*.rs.html")):
        name = str(page.relative_to(pages)).removesuffix(".html")
        path_id = judged.path_id(name)
        if path_id is None:
            continue
        text, links = read_page(page, name)
        source = judged.reader.blob_text(judged.files[path_id]).decode("utf-8")
        if text.rstrip() != source.rstrip() and "\r" not in source and "\t" not in source:
            print(f"{name}: the page's text is not the file's", file=sys.stderr)
            continue
        _judge_file(judged, path_id, text, links, tally, n_wrong)
    return tally


def _judge_file(
    judged: _Judged, path_id: int, text: str, links: list[Link], tally: Tally, n_wrong: int
) -> None:
    is_ascii = text.isascii()
    at = {link.end if is_ascii else len(text[: link.end].encode()): link for link in links}
    answers: dict[tuple[CodeLocation, Reference], dict[int, tuple[str, Definition]]] = {}
    path = judged.resolver.modules.path(path_id)
    seen: set[int] = set()
    for mention in judged.mentions(path_id):
        seen.add(mention.end)
        key = (mention.site, mention.reference)
        if key not in answers:
            place, _ = judged.resolver.place(mention.site)
            found: dict[int, tuple[str, Definition]] = {}
            if place is not None:
                for one in judged.resolver.reference(place, mention.reference):
                    found.setdefault(one.segment, (one.rule, one.definition))
            answers[key] = found
        link = at.get(mention.end)
        kind = mention.reference.kind
        if kind == "field":
            continue
        answer = answers[key].get(mention.segment)
        if link is None:
            if answer is not None:
                tally.unjudged[answer[0]] += 1
            continue
        is_item = link.target != "" and judged.is_item(link)
        tally.sought[kind] += is_item
        line = text[: link.end].count("\n") + 1
        if answer is None:
            if is_item and n_wrong:
                tally.examples.append(
                    f"missed {kind} {mention.reference.path} [{mention.segment}] "
                    f"{path}:{line} -> {link.target}:{link.first_line}"
                )
            continue
        tally.answered[kind] += is_item
        rule, definition = answer
        where, first_line = judged.where(definition)
        target = judged.full(link.target) if link.target else ""
        if (where, first_line) == (target, link.first_line):
            tally.right[rule] += 1
            tally.found[kind] += is_item
        else:
            tally.wrong[rule] += 1
            tally.examples.append(
                f"WRONG {rule} {kind} {mention.reference.path} [{mention.segment}] "
                f"{path}:{line} said {where}:{first_line}, "
                f"is {target or 'outside'}:{link.first_line}"
            )
    _count_unseen(judged, path_id, at, seen, tally, n_wrong)


def _count_unseen(
    judged: _Judged, path_id: int, at: dict[int, Link], seen: set[int], tally: Tally, n_wrong: int
) -> None:
    """Count the links of identifiers that the parser took for no reference."""
    source = judged.reader.blob_text(judged.files[path_id])
    imports = judged.imports(path_id)
    for end, link in at.items():
        if end in seen or link.target == "" or not judged.is_item(link):
            continue
        if any(first <= end <= last for first, last in imports):
            continue
        begin = end - len(link.text.encode())
        line = source.count(b"\n", 0, end) + 1
        if judged.path_id(link.target) == path_id and link.first_line == line:
            continue  # What a derive makes links the name to itself.
        kind = "method" if source[:begin].rstrip().endswith(b".") else "unseen"
        tally.sought[kind] += 1
        if n_wrong:
            where = f"{judged.resolver.modules.path(path_id)}:{line}"
            tally.examples.append(f"missed unseen {link.text} {where} -> {link.target}")


def _git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True
    ).stdout


def crate_tallies(
    crate: dict[str, object], mirror: Path, work: Path, n_wrong: int
) -> Iterator[tuple[str, Tally]]:
    """Yield (commit, tally) for a crate at its commits."""
    index = str(work / "index.db")
    backfill = (sys.executable, "-m", "rsidx", "backfill", "-C", str(mirror), "--db", index)
    subprocess.run(backfill, check=True, capture_output=True)
    database = Database(resolve_url(index), create=False)
    root = str(crate["root"])
    history = _git(mirror, "log", "--first-parent", "--reverse", "--format=%H", "--", root).split()
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, None)
        assert repository_id is not None
        reader = Reader(connection, repository_id)
        tried: set[str] = set()
        for fraction in _FRACTIONS:
            for oid in _candidates(history, fraction, tried):
                tried.add(oid)
                source, out = work / "source", work / "out"
                for folder in (source, out):
                    shutil.rmtree(folder, ignore_errors=True)
                source.mkdir()
                _checkout(mirror, oid, source, crate)
                if not (source / root).exists():
                    continue
                crate = {**crate, "edition": crate.get("edition") or edition(source, crate)}
                if complaint := document(crate, source, out):
                    print(f"{crate['name']} {oid[:12]}: {complaint}", file=sys.stderr)
                    continue
                snapshot = Snapshot(reader)
                snapshot.move_to(reader.commit(bytes.fromhex(oid)))
                judged = _Judged(reader, snapshot, str(PurePosixPath(root).parent))
                yield oid, judge(judged, out / "src" / str(crate["name"]), n_wrong)
                break
    database.close()


def _candidates(history: list[str], fraction: float, tried: set[str]) -> list[str]:
    """Return commits after and before a point of the history, not tried before."""
    at = int((len(history) - 1) * fraction)
    step = max(1, len(history) // 60)
    later, earlier = history[at::step], history[at:0:-step]
    return [oid for oid in (*later[:_TRIES], *earlier[:_TRIES]) if oid not in tried]


def _checkout(mirror: Path, oid: str, to: Path, crate: dict[str, object]) -> None:
    wanted = [str(p) for p in crate.get("paths", ["src", "Cargo.toml", "README.md"])]  # type: ignore[attr-defined]
    present = set(_git(mirror, "ls-tree", "--name-only", oid).split())
    wanted = [path for path in wanted if path.split("/")[0] in present]
    archive = subprocess.run(
        ["git", "-C", str(mirror), "archive", oid, *wanted], capture_output=True, check=False
    )
    subprocess.run(["tar", "x", "-C", str(to)], input=archive.stdout, check=False)


def table(tallies: dict[str, Tally]) -> dict[str, object]:
    """Return the figures of tallies, by rule and kind."""
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    rules = sorted(total.right.keys() | total.wrong.keys())

    def share(part: int, whole: int) -> float | None:
        return round(100 * part / whole, 2) if whole else None

    def precision(chosen: list[str]) -> dict[str, object]:
        right = sum(total.right[rule] for rule in chosen)
        wrong = sum(total.wrong[rule] for rule in chosen)
        return {"right": right, "wrong": wrong, "percent": share(right, right + wrong)}

    def recall(kinds: list[str]) -> dict[str, object]:
        found = sum(total.found[kind] for kind in kinds)
        sought = sum(total.sought[kind] for kind in kinds)
        answered = sum(total.answered[kind] for kind in kinds)
        return {
            "found": found,
            "sought": sought,
            "percent": share(found, sought),
            "answered percent": share(answered, sought),
        }

    return {
        "precision": {
            **{rule: precision([rule]) for rule in rules},
            "exact": precision([rule for rule in rules if rule in EXACT_RULES]),
            "all": precision(rules),
        },
        "recall": {
            **{kind: recall([kind]) for kind in sorted(total.sought)},
            "types, traits and paths": recall(["type", "value", "macro", "unseen"]),
            "all": recall(list(total.sought)),
        },
        "unjudged": sum(total.unjudged.values()),
    }


def markdown(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the tables of `docs/resolution.md`."""
    yield "| crate | commits | answers judged | precision | recall | of methods | share answered |"
    yield "|---|---|---|---|---|---|---|"
    for name, one in figures.items():
        precision, recall = one["precision"]["all"], one["recall"]["all"]
        judged = precision["right"] + precision["wrong"]
        methods = one["recall"].get("method", {}).get("percent")
        yield (
            f"| {name} | {', '.join(oid[:8] for oid in one.get('commits', ()))} | {judged:,} "
            f"| {_percent(precision['percent'])} | {_percent(recall['percent'])} "
            f"| {_percent(methods)} | {_percent(recall['answered percent'])} |"
        )
    groups = [name for name, one in figures.items() if "commits" not in one]
    for title, key in (("precision by rule", "precision"), ("recall by kind", "recall")):
        yield ""
        yield f"| {title} | {' | '.join(groups)} |"
        yield "|---|" + "---|" * len(groups)
        for row in sorted({row for name in groups for row in figures[name][key]}):
            cells = [figures[name][key].get(row, {}) for name in groups]
            sizes = [
                cell.get("sought", cell.get("right", 0) + cell.get("wrong", 0)) for cell in cells
            ]
            shown = [
                f"{_percent(cell.get('percent'))} of {size:,}"
                for cell, size in zip(cells, sizes, strict=True)
            ]
            yield f"| {row} | {' | '.join(shown)} |"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}%"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("crates", nargs="*")
    parser.add_argument("--mirrors", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--wrong", type=int, default=0, help="print so many misses of each crate")
    options = parser.parse_args()
    listed = tomllib.loads((Path(__file__).parent / "crates.toml").read_text("utf-8"))["crate"]
    figures: dict[str, object] = {}
    sums: dict[str, dict[str, Tally]] = {"developed on": {}, "only measured": {}}
    for crate in listed:
        if options.crates and crate["name"] not in options.crates:
            continue
        mirror = options.mirrors / crate["repository"].replace("/", "+")
        mirror = mirror / "repo" if (mirror / "repo").exists() else mirror
        with tempfile.TemporaryDirectory() as work:
            tallies = dict(crate_tallies(crate, mirror, Path(work), options.wrong))
        group = sums["developed on" if crate["developed_on"] else "only measured"]
        for oid, tally in tallies.items():
            group[oid] = tally
            for line in [e for e in tally.examples if e.startswith("WRONG")]:
                print(f"{crate['name']} {oid[:8]} {line}")
            for line in [e for e in tally.examples if e.startswith("missed")][: options.wrong]:
                print(f"{crate['name']} {oid[:8]} {line}")
        figures[crate["name"]] = {"commits": [oid[:12] for oid in tallies], **table(tallies)}
    for name, tallies in sums.items():
        figures[name] = table(tallies)
    print("\n".join(markdown(figures)))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
