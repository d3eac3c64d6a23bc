"""The prompt for a hole in a file."""

from dataclasses import dataclass, replace

from rsidx.errors import PlacementError, RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import code_around
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.fitting import MAX_ATTEMPTS, smaller_limit
from rsidx.exporters.questions.index_at import reading, standing_at
from rsidx.exporters.questions.prompt import Prompt, prompt_of
from rsidx.exporters.questions.target import Overlay
from rsidx.exporters.rendering.renderer import TooLongError
from rsidx.store.database import Database
from rsidx.store.records import PARSED, BlobRecord


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
    with reading(database, name) as reader:
        path_id, blob_id = reader.add(path, hole.file)
        asked = standing_at(reader, config, hole.commit, hole.overlay)
        file = reader.blob_text(blob_id)
        offset = offset_of(file, hole.path, hole.line, hole.column)
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
            return prompt_of(encoder, row)
    raise RsidxError("the file around the hole does not fit --max-tokens")


def offset_of(file: bytes, path: str, line: int, column: int) -> int:
    """Return the offset of a place in a file; raises PlacementError where it is not in it."""
    lines = file.split(b"\n")
    if not 1 <= line <= len(lines):
        raise PlacementError("no_place", f"{path} has {len(lines)} lines, and no line {line}")
    text = lines[line - 1].removesuffix(b"\r")
    if not 1 <= column <= len(text) + 1:
        raise PlacementError(
            "no_place", f"line {line} of {path} has {len(text)} bytes, and no column {column}"
        )
    if text[column - 1 : column] and text[column - 1] & 0xC0 == 0x80:
        raise PlacementError("no_place", f"column {column} of line {line} is inside of a character")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
