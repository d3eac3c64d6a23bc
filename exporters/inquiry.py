"""What an edit at a place would be shown, and the prompt for it, without an edit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.build import Builder
from rsidx.exporters.config import Config, builder_options
from rsidx.exporters.context import Excerpt
from rsidx.exporters.edits import Side
from rsidx.exporters.examples import Example
from rsidx.exporters.export import writing_tools
from rsidx.exporters.render import TooLongError
from rsidx.exporters.snapshot import Snapshot
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.facts import is_qualified_by
from rsidx.store.reader import CommitRow, Reader


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


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a trained model is asked, as ids and as text with the control tokens spelled out."""

    input_ids: list[int]
    text: str
    n_excerpts_left_out: int


@dataclass(frozen=True, slots=True)
class Target:
    """The code that is asked about: a symbol of a file, or the file for an empty one."""

    commit: bytes
    path: str
    symbol: str


def context_at(database: Database, name: str, target: Target) -> list[Answer]:
    """Return the context of each definition of a symbol in a file, as it is at a commit.

    The symbol may be qualified by its impl's type. Raises RsidxError for a commit, file or
    symbol that is not there.
    """
    with _opened(database, name, Config(tokenizer="")) as asked:
        return [
            _answer(asked.reader, asked.builder.example_at(commit, side, ""), side, target.symbol)
            for commit, side in asked.sides(target)
        ]


def prompt_at(
    database: Database, name: str, target: Target, message: str, config: Config
) -> Prompt:
    """Return the prompt for one symbol exactly as the export writes an example's.

    Raises RsidxError where the symbol is not there, is defined more than once, or is too long.
    """
    encoder, _, renderer = writing_tools(config)
    with _opened(database, name, config) as asked:
        found = list(asked.sides(target))
        if len(found) > 1:
            places = ", ".join(side.chunks[0].container or "the file" for _, side in found)
            raise RsidxError(f"{target.symbol} is defined in {places}; say Type::{target.symbol}")
        whole = asked.builder.example_at(*found[0], message)
        examples = asked.builder.parts(whole, config.max_chars, Counter())
        try:
            row = renderer.row(examples[0], Counter()) if len(examples) == 1 else None
        except TooLongError:
            row = None
        if row is None:
            raise RsidxError(f"{target.symbol} does not fit --max-chars and --max-tokens")
    ids = row.input_ids[: row.n_tokens["total"] - 1]
    return Prompt(ids, encoder.decode(ids), len(whole.excerpts) - len(row.shown))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An open index, ready to be asked about places."""

    reader: Reader
    commits: dict[bytes, CommitRow]
    builder: Builder

    def sides(self, target: Target) -> Iterator[tuple[CommitRow, Side]]:
        """Yield the commit with each place of the target; raises RsidxError for none."""
        commit = self.commits.get(target.commit)
        shown = target.commit.hex()
        if commit is None:
            raise RsidxError(f"commit {shown} is not indexed; run `rsidx backfill` for it")
        snapshot = Snapshot(self.reader, self.commits)
        snapshot.move_to(commit)
        path_id = self.reader.path_ids().get(target.path.encode("utf-8", "surrogateescape"))
        blob_id = snapshot.files.get(path_id) if path_id is not None else None
        if path_id is None or blob_id is None:
            raise RsidxError(f"there is no {target.path} at {shown[:12]}")
        sides = list(_sides(self.reader, path_id, blob_id, target.symbol))
        if not sides:
            raise RsidxError(
                f"{target.path} has no definition of {target.symbol or 'anything'} at {shown[:12]}"
            )
        yield from ((commit, side) for side in sides)


@contextmanager
def _opened(database: Database, name: str, config: Config) -> Iterator[_Asked]:
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, name)
        if repository_id is None:
            raise RsidxError("the index is empty; run `rsidx backfill` first")
        reader = Reader(connection, repository_id)
        commits = {row.oid: row for row in reader.commits()}
        yield _Asked(reader, commits, Builder(reader, commits, builder_options(config)))


def _sides(reader: Reader, path_id: int, blob_id: int, symbol: str) -> Iterator[Side]:
    """Yield the chunks that define a symbol, or the whole file for an empty one."""
    chunks = reader.chunks(blob_id)
    if not symbol:
        if chunks:
            yield Side(path_id, blob_id, 0, 0, chunks)
        return
    qualifier, _, last = symbol.rpartition("::")
    start = 0
    for position, chunk in enumerate(chunks):
        named = any(s.name == last and s.kind != "impl" for s in reader.symbols(chunk.id))
        if named and is_qualified_by(chunk.container, qualifier):
            yield Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes


def _answer(reader: Reader, example: Example, side: Side, symbol: str) -> Answer:
    text = reader.text(side.chunks[0].id) if side.chunks else b""
    begin = len(text) - len(text.lstrip())
    return Answer(
        example.path,
        _line(reader, side.blob_id, side.start + begin),
        symbol,
        side.chunks[0].container if symbol else "",
        tuple(_piece(reader, excerpt) for excerpt in example.excerpts),
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
