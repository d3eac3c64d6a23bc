"""The prompt for an edit that is still to be made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rsidx.errors import PlacementError, RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.examples.example import Example
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.fitting import Fitting
from rsidx.exporters.questions.index_at import IndexAt, opened
from rsidx.exporters.questions.site import Site
from rsidx.exporters.questions.target import Target
from rsidx.exporters.rendering.chat_template import messages_of
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import Row, TooLongError
from rsidx.store.database import Database
from rsidx.store.records import path_of


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a trained model is asked, as ids and as text with the control tokens spelled out.

    The text lacks the token that rows begin with: who encodes it adds that. Where code
    `spells_control_token`, a tokenizer makes other ids of the text. An answer ends with the
    `end_token`. Of an item that is too long it takes the place of a `part`: a range of its bytes.
    For an instruct model `messages` say the same; its chat template makes the text of them.
    """

    input_ids: list[int]
    text: str
    n_excerpts_left_out: int
    spells_control_token: bool
    end_token: str
    part: tuple[int, int] | None = None
    messages: tuple[dict[str, str], ...] = ()


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
    encoder, _, renderer = tools or writing_tools(config)
    with opened(database, name, config, target) as asked:
        site = _site(asked, target)
        draft = asked.draft(site, message, target.given)
        examples = Fitting(asked.builder, renderer, config).questions(draft)
        example = _asked(examples, site, target)
        try:
            row, _ = renderer.row(example)
        except TooLongError as error:
            raise RsidxError(f"{target.name} does not fit --max-tokens") from error
    prompt = prompt_of(encoder, row)
    if config.columns != "messages":
        return prompt
    return replace(prompt, messages=messages_of(Messages(encoder).question(prompt.input_ids)))


def _site(asked: IndexAt, target: Target) -> Site:
    """Return the one place that a target is; raises RsidxError where it may be several."""
    if target.is_file:
        if not target.path.endswith(".rs"):
            raise RsidxError(f"{target.path} is no Rust file, and prompts are for these")
        if asked.has(target.path):
            raise RsidxError(
                f"{target.path} is there already; name a symbol of it, a line, or where new code "
                "comes"
            )
        return asked.new_file(target.path)
    sites = asked.sites(target)
    if len(sites) > 1:
        last = target.symbol.rpartition("::")[2]
        paths = dict.fromkeys(path_of(site.edit.container, last) for site in sites)
        lines = ", ".join(f"{target.path}:{site.lines[0]}" for site in sites)
        raise PlacementError(
            "several_places",
            f"{target.symbol} is defined more than once in the file, as {', '.join(paths)}; "
            f"say which, or name a line: {lines}",
        )
    return sites[0]


def prompt_of(encoder: Encoder, row: Row) -> Prompt:
    """Return what stands in front of the loss of a row."""
    ids = row.prompt()
    text = encoder.decode(encoder.without_bos(ids))
    is_spelled = PromptCompletion(encoder).spells_control(encoder.without_bos(ids), text)
    example, part = row.example, None
    if example.is_part and example.draft.edit.old is not None:
        part = example.part.old_start, example.part.old_end
    end_token = encoder.spelling(row.input_ids[-1]) or encoder.end_token
    return Prompt(ids, text, row.n_left_out, is_spelled, end_token, part)


def _asked(examples: Sequence[Example], site: Site, target: Target) -> Example:
    """Return the example that is about a target: of a long item, the part with its line."""
    if target.line is None:
        if len(examples) == 1 and not examples[0].is_part:
            return examples[0]
        raise RsidxError(
            f"{target.symbol} is too long for one prompt; name the line where the change is to be "
            f"made, as in {target.path}:{sum(site.lines) // 2}"
        )
    for example in examples:
        if example.part.old_start <= site.offset < example.part.old_end or not example.is_part:
            return example
    raise RsidxError(f"the statement at {target.name} is too long, and cannot be cut")
