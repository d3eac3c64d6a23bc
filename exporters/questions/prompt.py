"""The prompt for an edit that is still to be made."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.examples.example import Example
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.fitting import Fitting
from rsidx.exporters.questions.index_at import opened
from rsidx.exporters.questions.lines import first_line, line_start
from rsidx.exporters.questions.target import Target
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import Row, TooLongError
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import path_of


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
    with opened(database, name, config, target.commit, target.overlay) as asked:
        found = list(asked.sides(target))
        if len(found) > 1:
            last = target.symbol.rpartition("::")[2]
            paths = dict.fromkeys(path_of(side.chunks[0].container, last) for side in found)
            raise RsidxError(
                f"{target.symbol} is defined more than once in the file, as {', '.join(paths)}; "
                f"say which, or name a line, as in "
                f"{target.path}:{first_line(asked.reader, found[0])}"
            )
        draft = asked.draft(found[0], message)
        examples = Fitting(asked.builder, renderer, config).questions(draft)
        example = _asked(asked.reader, examples, found[0], target)
        try:
            row, _ = renderer.row(example)
        except TooLongError as error:
            raise RsidxError(f"{target.name} does not fit --max-tokens") from error
    return prompt_of(encoder, row)


def prompt_of(encoder: Encoder, row: Row) -> Prompt:
    """Return what stands in front of the loss of a row."""
    ids = row.prompt()
    text = encoder.decode(encoder.without_bos(ids))
    is_spelled = PromptCompletion(encoder).spells_control(encoder.without_bos(ids), text)
    return Prompt(ids, text, row.n_left_out, is_spelled)


def _asked(reader: Reader, examples: Sequence[Example], side: Side, target: Target) -> Example:
    """Return the example that is about a target: of a long item, the part with its line."""
    if target.line is None:
        if len(examples) == 1 and not examples[0].is_part:
            return examples[0]
        first = first_line(reader, side)
        last = first + sum(chunk.n_lines for chunk in side.chunks) - 1
        raise RsidxError(
            f"{target.symbol} is too long for one prompt; name the line where the change is to be "
            f"made, as in {target.path}:{(first + last) // 2}"
        )
    offset = line_start(reader.blob_text(side.blob_id), target.line) - side.start
    for example in examples:
        if example.part.old_start <= offset < example.part.old_end or not example.is_part:
            return example
    raise RsidxError(f"the statement at {target.name} is too long, and cannot be cut")
