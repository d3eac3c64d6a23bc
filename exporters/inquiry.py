"""What an edit at a place would be shown, without an edit."""

from collections.abc import Iterator
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.context import ContextBuilder, Excerpt, NearResolver, Site
from rsidx.exporters.edits import Side
from rsidx.exporters.modules import Modules
from rsidx.exporters.snapshot import Snapshot
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.facts import CONTAINER_SEPARATOR
from rsidx.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Piece:
    """An excerpt with its place in words; `line` counts from 1."""

    path: str
    line: int
    blob: str
    ranges: tuple[tuple[int, int], ...]
    section: str
    symbol: str
    rule: str
    form: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The context of one piece of code, in descending value."""

    path: str
    line: int
    symbol: str
    container: str
    context: tuple[Piece, ...]


def context_at(
    database: Database, name: str, commit: bytes, path: str, symbol: str
) -> list[Answer]:
    """Return the context of each definition of a symbol in a file, as it is at a commit.

    `symbol` may be qualified by its impl's type; an empty one means the file as a whole. Raises
    RsidxError for a commit, file or symbol that is not there.
    """
    with database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, name) or 0)
        commits = {row.oid: row for row in reader.commits()}
        if commit not in commits:
            raise RsidxError(f"commit {commit.hex()} is not indexed; run `rsidx backfill` for it")
        snapshot = Snapshot(reader, commits)
        snapshot.move_to(commits[commit])
        modules = Modules(reader)
        modules.files = snapshot.files
        path_id = reader.path_ids().get(path.encode("utf-8", "surrogateescape"))
        blob_id = snapshot.files.get(path_id) if path_id is not None else None
        if path_id is None or blob_id is None:
            raise RsidxError(f"there is no {path} at {commit.hex()[:12]}")
        sides = list(_sides(reader, path_id, blob_id, symbol))
        if not sides:
            raise RsidxError(f"{path} has no definition of {symbol} at {commit.hex()[:12]}")
        builder = ContextBuilder(reader, modules, NearResolver(modules))
        return [_answer(reader, builder, side, symbol) for side in sides]


def _sides(reader: Reader, path_id: int, blob_id: int, symbol: str) -> Iterator[Side]:
    """Yield the chunks that define a symbol, or the whole file for an empty one."""
    chunks = reader.chunks(blob_id)
    if not symbol:
        yield Side(path_id, blob_id, 0, 0, chunks)
        return
    qualifier, _, last = symbol.rpartition("::")
    start = 0
    for position, chunk in enumerate(chunks):
        innermost = chunk.container.rsplit(CONTAINER_SEPARATOR, 1)[-1].split("<")[0].split()
        named = any(s.name == last and s.kind != "impl" for s in reader.symbols(chunk.id))
        if named and (not qualifier or qualifier.rsplit("::", 1)[-1] in innermost):
            yield Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes


def _answer(reader: Reader, builder: ContextBuilder, side: Side, symbol: str) -> Answer:
    container = side.chunks[0].container if symbol else ""
    named = {r for chunk in side.chunks for r in reader.references(chunk.id)}
    references = sorted(named, key=lambda reference: (reference.kind, reference.path))
    excerpts = builder.candidates(Site(side.path_id, container), references, touched=(), own=side)
    text = reader.text(side.chunks[0].id) if side.chunks else b""
    begin = len(text) - len(text.lstrip())
    return Answer(
        reader.path(side.path_id).decode("utf-8", "replace"),
        _line(reader, side.blob_id, side.start + begin),
        symbol,
        container,
        tuple(_piece(reader, excerpt) for excerpt in excerpts),
    )


def _piece(reader: Reader, excerpt: Excerpt) -> Piece:
    return Piece(
        reader.path(excerpt.path_id).decode("utf-8", "replace"),
        _line(reader, excerpt.blob_id, excerpt.ranges[0][0]),
        reader.blob(excerpt.blob_id).oid.hex(),
        excerpt.ranges,
        excerpt.section,
        excerpt.symbol,
        excerpt.rule,
        excerpt.form,
        excerpt.text,
    )


def _line(reader: Reader, blob_id: int, offset: int) -> int:
    return 1 + reader.blob_text(blob_id).count(b"\n", 0, offset)
