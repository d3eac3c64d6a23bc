"""The kinds of example: an edit, a hole to fill in, a window of a file, and what answers teach.

A new kind is a module in `examples/` and a line here, with a dialect if it is written in a way
of its own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rsidx.exporters.examples.edit import EDIT
from rsidx.exporters.examples.fim import FIM
from rsidx.exporters.examples.kind import Kind
from rsidx.exporters.examples.preference import PREFERENCE
from rsidx.exporters.examples.repair import REPAIR
from rsidx.exporters.examples.sequence import SEQUENCE
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.chat import ChatDialect
from rsidx.exporters.rendering.chat_template import chat_frame
from rsidx.exporters.rendering.edit import edit_dialect
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.files import files_dialect
from rsidx.exporters.rendering.fim import fim_dialect
from rsidx.exporters.rendering.preference import preference_dialect

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig

_ALL: tuple[tuple[Kind, Callable[[Encoder, "ExportConfig"], Dialect]], ...] = (
    (EDIT, edit_dialect),
    (FIM, fim_dialect),
    (SEQUENCE, files_dialect),
    (REPAIR, edit_dialect),
    (PREFERENCE, preference_dialect),
)
KINDS = {kind.name: kind for kind, _ in _ALL}
_DIALECTS = {kind.name: dialect for kind, dialect in _ALL}


def dialect_of(encoder: Encoder, config: "ExportConfig") -> Dialect:
    """Return the dialect for a configuration's kind and a tokenizer.

    Raises TokenizerError, and ExportError for a chat template that cannot be used.
    """
    if config.columns == "messages":
        return ChatDialect(encoder, chat_frame(encoder), config.target)
    return _DIALECTS[config.kind](encoder, config)
