"""Who refers to a definition."""

from collections.abc import Iterator
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.callers import Caller, Callers
from rsidx.exporters.examples.draft import Source
from rsidx.exporters.examples.redaction import Redactor
from rsidx.exporters.questions.index_at import opened
from rsidx.exporters.questions.lines import line_of
from rsidx.exporters.questions.target import Target
from rsidx.store.database import Database
from rsidx.store.reader import Reader


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
    with opened(database, name, ExportConfig(tokenizer=""), target) as asked:
        callers = Callers(asked.reader, asked.drafter.resolver)
        redactor = Redactor(asked.reader.blob_text)
        definitions = list(asked.definitions(target.symbol))
        if not definitions:
            raise RsidxError(f"no definition of {target.symbol} at {target.commit.hex()[:12]}")
        found: list[Use] = []
        for definition in definitions:
            where = asked.reader.path(definition.path_id).decode("utf-8", "replace")
            line = line_of(asked.reader, definition.blob_id, definition.range[0])
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
        line = line_of(reader, caller.file.blob_id, start)
        source = Source(caller.file.blob_id, ((start, start + len(text)),))
        shown = redactor.excerpt(text.decode("utf-8"), source).strip()
        yield Use(
            path, line, caller.name, chunk.container, caller.is_test, caller.rule, shown, defined
        )
