"""What an edit at a place would be shown, and the prompt for it, without an edit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.callers import Caller, Callers
from rsidx.exporters.context.excerpts import Excerpt, largest
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.edits.containers import FOOTER
from rsidx.exporters.edits.edit import Edit, Side, edit_of
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.draft import Draft, Source
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import code_around
from rsidx.exporters.examples.redaction import Redactor, spelled
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.drafts import Drafter
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.fitting import MAX_ATTEMPTS, Fitting, smaller_limit
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import Row, TooLongError
from rsidx.exporters.resolver.files import Definition
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED, BlobRecord, is_qualified_by, path_of

Overlay = Sequence[tuple[bytes, BlobRecord | None]]
"""Files that differ from a commit's; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class ContextExcerpt:
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
class ContextAnswer:
    """The context of one piece of code, in descending value."""

    path: str
    line: int
    symbol: str
    container: str
    context: tuple[ContextExcerpt, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a trained model is asked, as ids and as text with the control tokens spelled out.

    The text lacks the token that rows begin with: who encodes it adds that. Where code
    `spells_control_token`, a tokenizer makes other ids of the text.
    """

    input_ids: list[int]
    text: str
    n_excerpts_left_out: int
    spells_control_token: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The code that is asked about: a symbol of a file, or the file for an empty one.

    A `line`, from 1, stands for the item that it is in, and for the part of one that is too long.
    `overlay` are files that differ from the commit's, None where they are gone.
    """

    commit: bytes
    path: str
    symbol: str = ""
    overlay: Overlay = ()
    line: int | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.path}:{self.line}" if self.line is not None else self.symbol


def context_at(
    database: Database, name: str, target: Target, extras: tuple[str, ...] = ()
) -> list[ContextAnswer]:
    """Return the context of each definition of a symbol in a file, as it is at a commit.

    The symbol may be qualified by its impl's type. Raises RsidxError for a commit, file or
    symbol that is not there.
    """
    config = ExportConfig(tokenizer="", context_with=extras)
    with _opened(database, name, config, target.commit, target.overlay) as asked:
        return [
            _answer(asked.reader, asked.draft(side, ""), side, target.symbol)
            for side in asked.sides(target)
        ]


@dataclass(frozen=True, slots=True)
class Use:
    """A line that refers to a definition, and by which rule it does; `line` counts from 1.

    `defined` is where the definition stands; empty where only the name is the same.
    """

    path: str
    line: int
    symbol: str
    container: str
    is_test: bool
    rule: str
    text: str
    defined: str


def uses_of(database: Database, name: str, target: Target, *, names: bool) -> list[Use]:
    """Return who refers to the definitions of a symbol, anywhere in the tree.

    With `names`, code that mentions the name where no rule says what it means comes last, with
    the rule `name`. Raises RsidxError where the tree has no such definition.
    """
    with _opened(
        database, name, ExportConfig(tokenizer=""), target.commit, target.overlay
    ) as asked:
        callers = Callers(asked.reader, asked.drafter.resolver)
        redactor = Redactor(asked.reader.blob_text)
        definitions = list(asked.definitions(target.symbol))
        if not definitions:
            raise RsidxError(f"no definition of {target.symbol} at {target.commit.hex()[:12]}")
        found: list[Use] = []
        for definition in definitions:
            where = asked.reader.path(definition.path_id).decode("utf-8", "replace")
            line = _line(asked.reader, definition.blob_id, definition.range[0])
            for caller in callers.of(definition):
                found += _uses(asked.reader, redactor, caller, f"{where}:{line}")
        if names:
            seen = {(use.path, use.line) for use in found}
            for caller in callers.by_name(definitions[0].symbol.name):
                mentions = _uses(asked.reader, redactor, caller, "")
                found += [use for use in mentions if (use.path, use.line) not in seen]
        return list(dict.fromkeys(found))


def _uses(reader: Reader, redactor: Redactor, caller: Caller, defined: str) -> Iterator[Use]:
    chunk = caller.file.chunks[caller.index]
    path = reader.path(caller.file.path_id).decode("utf-8", "replace")
    for start, text in caller.mentions(reader):
        line = _line(reader, caller.file.blob_id, start)
        source = Source(caller.file.blob_id, ((start, start + len(text)),))
        shown = redactor.excerpt(text.decode("utf-8"), source).strip()
        yield Use(
            path, line, caller.name, chunk.container, caller.is_test, caller.rule, shown, defined
        )


def prompt_at(
    database: Database,
    name: str,
    target: Target,
    message: str,
    config: ExportConfig,
    tools: Tools | None = None,
) -> Prompt:
    """Return the prompt for one symbol, or for a line, exactly as the export writes an example's.

    `tools` are those of the configuration, if they are there already. Raises RsidxError where the
    symbol or the line is not there, where the symbol is defined more than once or is too long for
    one prompt, and where the code of the line cannot be cut.
    """
    if config.kind != "edit":
        raise RsidxError(f"a prompt is for an edit, and that export is of kind {config.kind}")
    if config.level != "item":
        raise RsidxError(f"a prompt is for an item, and that export is of level {config.level}")
    if target.line is not None and target.symbol:
        raise RsidxError("name a symbol or a line, not both")
    encoder, _, renderer = tools or writing_tools(config)
    with _opened(database, name, config, target.commit, target.overlay) as asked:
        found = list(asked.sides(target))
        if len(found) > 1:
            last = target.symbol.rpartition("::")[2]
            paths = dict.fromkeys(path_of(side.chunks[0].container, last) for side in found)
            raise RsidxError(
                f"{target.symbol} is defined more than once in the file, as {', '.join(paths)}; "
                f"say which, or name a line, as in "
                f"{target.path}:{_first_line(asked.reader, found[0])}"
            )
        draft = asked.draft(found[0], message)
        examples = Fitting(asked.builder, renderer, config).questions(draft)
        example = _asked(asked.reader, examples, found[0], target)
        try:
            row, _ = renderer.row(example)
        except TooLongError as error:
            raise RsidxError(f"{target.name} does not fit --max-tokens") from error
    return _prompt(encoder, row)


def _prompt(encoder: Encoder, row: Row) -> Prompt:
    ids = row.prompt()
    text = encoder.decode(encoder.without_bos(ids))
    is_spelled = PromptCompletion(encoder).spells_control(encoder.without_bos(ids), text)
    return Prompt(ids, text, row.n_left_out, is_spelled)


def _asked(reader: Reader, examples: Sequence[Example], side: Side, target: Target) -> Example:
    """Return the example that is about a target: of a long item, the part with its line."""
    if target.line is None:
        if len(examples) == 1 and not examples[0].is_part:
            return examples[0]
        first = _first_line(reader, side)
        last = first + sum(chunk.n_lines for chunk in side.chunks) - 1
        raise RsidxError(
            f"{target.symbol} is too long for one prompt; name the line where the change is to be "
            f"made, as in {target.path}:{(first + last) // 2}"
        )
    offset = _line_start(reader.blob_text(side.blob_id), target.line) - side.start
    for example in examples:
        if example.part.old_start <= offset < example.part.old_end or not example.is_part:
            return example
    raise RsidxError(f"the statement at {target.name} is too long, and cannot be cut")


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a file where something is missing: `line` from 1, `column` in bytes from 1.

    `file` is the file as it is on disk.
    """

    commit: bytes
    path: str
    file: BlobRecord
    line: int
    column: int
    is_suffix_first: bool = False
    overlay: Overlay = ()


def fill_prompt_at(
    database: Database, name: str, hole: Hole, config: ExportConfig, tools: Tools | None = None
) -> Prompt:
    """Return the prompt for a hole exactly as the export writes an example's.

    `tools` are those of the configuration, if they are there already. Raises RsidxError where the
    export has no holes, the place is not in the file or is inside of a secret, or the file is not
    Rust or cannot be parsed.
    """
    if config.kind != "fim":
        raise RsidxError(f"that export is of kind {config.kind}, and has no holes to fill in")
    if tools is None:
        tools = writing_tools(replace(config, fim_spm=float(hole.is_suffix_first)))
    encoder, _, renderer = tools
    if not hole.path.endswith(".rs"):
        raise RsidxError(f"{hole.path} is no Rust file, and holes are in Rust files")
    if hole.file.state not in PARSED:
        raise RsidxError(f"{hole.path} cannot be parsed: {hole.file.state}")
    path = hole.path.encode("utf-8", "surrogateescape")
    with _reading(database, name) as reader:
        path_id, blob_id = reader.add(path, hole.file)
        asked = _standing_at(reader, config, hole.commit, hole.overlay)
        file = reader.blob_text(blob_id)
        offset = _offset(file, hole)
        if asked.builder.cuts_secret(blob_id, (offset,)):
            where = f"{hole.line}:{hole.column}"
            raise RsidxError(f"{where} of {hole.path} is inside of a secret, which no example cuts")
        place = asked.drafter.at_hole(path_id, file, offset)
        edit = Edit(place, "", "", is_test=False, new=Side(path_id, blob_id, 0, 0, ()))
        draft = asked.builder.redacted(asked.drafter.of_prompt(edit, ""))
        limit: int | None = config.max_chars
        for _ in range(MAX_ATTEMPTS):
            if limit is None:
                break
            code = code_around(file, blob_id, (offset, offset), limit)
            code = replace(code, is_suffix_first=hole.is_suffix_first)
            example = asked.builder.finished(Example(draft, Part(0, 0, 0, 0, 0), 0, 1, code))
            try:
                row, _ = renderer.row(example)
            except TooLongError as error:
                limit = smaller_limit(limit, [example], error.share)
                continue
            return _prompt(encoder, row)
    raise RsidxError("the file around the hole does not fit --max-tokens")


def _offset(file: bytes, hole: Hole) -> int:
    """Return the offset of a hole; raises RsidxError where it is not in the file."""
    lines = file.split(b"\n")
    if not 1 <= hole.line <= len(lines):
        raise RsidxError(f"{hole.path} has {len(lines)} lines, and no line {hole.line}")
    line = lines[hole.line - 1].removesuffix(b"\r")
    if not 1 <= hole.column <= len(line) + 1:
        raise RsidxError(
            f"line {hole.line} of {hole.path} has {len(line)} bytes, and no column {hole.column}"
        )
    if line[hole.column - 1 : hole.column] and line[hole.column - 1] & 0xC0 == 0x80:
        raise RsidxError(f"column {hole.column} of line {hole.line} is inside of a character")
    return sum(len(before) + 1 for before in lines[: hole.line - 1]) + hole.column - 1


@dataclass(frozen=True, slots=True)
class _IndexAt:
    """An open index at a commit, ready to be asked about places."""

    reader: Reader
    drafter: Drafter
    builder: ExampleBuilder

    def draft(self, side: Side, message: str) -> Draft:
        """Return the draft of an edit of some code that is still to be made."""
        edit = edit_of(self.reader, side)
        return self.builder.redacted(self.drafter.of_prompt(edit, message))

    def sides(self, target: Target) -> Iterator[Side]:
        """Yield each place of the target; raises RsidxError for none."""
        shown = target.commit.hex()[:12]
        path_id = self.reader.path_ids().get(target.path.encode("utf-8", "surrogateescape"))
        blob_id = self.drafter.files.get(path_id) if path_id is not None else None
        if path_id is None or blob_id is None:
            raise RsidxError(
                f"there is no {target.path} at {shown} among the files that are indexed: *.rs, "
                "Cargo.toml and .gitattributes"
            )
        if target.line is not None:
            yield _side_at(self.reader, path_id, blob_id, target)
            return
        sides = list(_sides(self.reader, path_id, blob_id, target.symbol))
        if not sides:
            raise RsidxError(
                f"{target.path} has no definition of {target.symbol or 'anything'} at {shown}"
            )
        yield from sides

    def definitions(self, symbol: str) -> Iterator[Definition]:
        """Yield what a name, or a qualified one, is defined as in the tree; impls left out."""
        qualifier, _, last = symbol.rpartition("::")
        modules = self.drafter.resolver.modules
        for path_id in sorted(modules.rust_files(), key=self.reader.path):
            file = modules.file(path_id)
            for index, chunk in enumerate(file.chunks if file is not None else ()):
                for one in self.reader.symbols(chunk.id):
                    named = one.name == last and one.kind not in ("impl", "field")
                    if file is not None and named and is_qualified_by(one.container, qualifier):
                        start = file.starts[index]
                        yield Definition(path_id, file.blob_id, index, start, chunk, one)


@contextmanager
def _opened(
    database: Database, name: str, config: ExportConfig, oid: bytes, files: Overlay
) -> Iterator[_IndexAt]:
    with _reading(database, name) as reader:
        yield _standing_at(reader, config, oid, files)


@contextmanager
def _reading(database: Database, name: str) -> Iterator[Reader]:
    with database.reading() as connection:
        yield Reader(connection, queries.indexed_repository(connection, name))


def _standing_at(reader: Reader, config: ExportConfig, oid: bytes, files: Overlay) -> _IndexAt:
    commit = reader.commit(oid)
    if commit is None:
        raise RsidxError(f"commit {oid.hex()} is not indexed; run `rsidx backfill` for it")
    paths = reader.path_ids()
    overlay: dict[int, int | None] = {}
    for path, record in files:
        if record is not None:
            path_id, blob_id = reader.add(path, record)
            overlay[path_id] = blob_id
        elif path in paths:
            overlay[paths[path]] = None
    steps = Steps.of(reader, config)
    steps.drafter.move_to(commit, overlay)
    return _IndexAt(reader, steps.drafter, steps.builder)


def _sides(reader: Reader, path_id: int, blob_id: int, symbol: str) -> Iterator[Side]:
    """Yield the chunks that define a symbol, or the whole file for an empty one.

    A declaration of a module counts only where nothing else has the name.
    """
    chunks = reader.chunks(blob_id)
    if not symbol:
        if chunks:
            yield Side(path_id, blob_id, 0, 0, chunks)
        return
    qualifier, _, last = symbol.rpartition("::")
    start = 0
    found: dict[bool, list[Side]] = {True: [], False: []}
    for position, chunk in enumerate(chunks):
        kinds = {s.kind for s in reader.symbols(chunk.id) if s.name == last} - {"impl", "field"}
        if kinds and is_qualified_by(chunk.container, qualifier):
            found[kinds == {"mod"}].append(Side(path_id, blob_id, position, start, (chunk,)))
        start += chunk.n_bytes
    yield from found[False] or found[True]


def _side_at(reader: Reader, path_id: int, blob_id: int, target: Target) -> Side:
    """Return the chunk that a line is in; raises RsidxError where nothing there can be edited."""
    assert target.line is not None
    offset = _line_start(reader.blob_text(blob_id), target.line)
    start = 0
    for position, chunk in enumerate(reader.chunks(blob_id)):
        if offset < start + chunk.n_bytes and not chunk.kind.endswith(FOOTER):
            return Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes
        if offset < start:
            break
    raise RsidxError(f"{target.name} has no item; name a line of one")


def _line_start(file: bytes, line: int) -> int:
    """Return where a line begins, as an offset; behind the file for one that is not there."""
    start = 0
    for _ in range(line - 1):
        start = file.find(b"\n", start) + 1
        if not start:
            return len(file)
    return start


def _first_line(reader: Reader, side: Side) -> int:
    """Return the line where a side begins, but for the blank lines in front of it."""
    text = reader.text(side.chunks[0].id)
    return _line(reader, side.blob_id, side.start + len(text) - len(text.lstrip()))


def _answer(reader: Reader, draft: Draft, side: Side, symbol: str) -> ContextAnswer:
    return ContextAnswer(
        draft.path,
        _first_line(reader, side),
        symbol,
        side.chunks[0].container if symbol else "",
        tuple(_piece(reader, excerpt) for excerpt in largest(draft.excerpts)),
    )


def _piece(reader: Reader, excerpt: Excerpt) -> ContextExcerpt:
    return ContextExcerpt(
        reader.path(excerpt.path_id).decode("utf-8", "replace"),
        _line(reader, excerpt.blob_id, excerpt.ranges[0][0]),
        reader.blob(excerpt.blob_id).oid.hex(),
        excerpt.ranges,
        excerpt.section,
        excerpt.symbol,
        excerpt.rule,
        excerpt.form,
        spelled(excerpt.shown),
    )


def _line(reader: Reader, blob_id: int, offset: int) -> int:
    return 1 + reader.blob_text(blob_id).count(b"\n", 0, offset)
