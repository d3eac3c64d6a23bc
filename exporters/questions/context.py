"""What an edit at a place would be shown."""

from dataclasses import dataclass

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.excerpts import Excerpt, largest
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.redaction import spelled
from rsidx.exporters.questions.index_at import opened
from rsidx.exporters.questions.lines import line_of
from rsidx.exporters.questions.site import Site
from rsidx.exporters.questions.target import Target
from rsidx.store.database import Database
from rsidx.store.reader import Reader


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


def context_at(
    database: Database, name: str, target: Target, extras: tuple[str, ...] = ()
) -> list[ContextAnswer]:
    """Return the context of each definition of a symbol in a file, as it is at a commit.

    The symbol may be qualified by its impl's type. Raises RsidxError for a commit, file or
    symbol that is not there.
    """
    config = ExportConfig(tokenizer="", context_with=extras)
    with opened(database, name, config, target) as asked:
        return [
            _answer(asked.reader, asked.draft(site, ""), site, target)
            for site in asked.sites(target)
        ]


def _answer(reader: Reader, draft: Draft, site: Site, target: Target) -> ContextAnswer:
    return ContextAnswer(
        draft.path,
        site.lines[0],
        target.symbol or site.edit.name * (target.line is not None),
        site.edit.container if not target.is_file else "",
        tuple(_piece(reader, excerpt) for excerpt in largest(draft.excerpts)),
    )


def _piece(reader: Reader, excerpt: Excerpt) -> ContextExcerpt:
    return ContextExcerpt(
        reader.path(excerpt.path_id).decode("utf-8", "replace"),
        line_of(reader, excerpt.blob_id, excerpt.ranges[0][0]),
        reader.blob(excerpt.blob_id).oid.hex(),
        excerpt.ranges,
        excerpt.section,
        excerpt.symbol,
        excerpt.rule,
        excerpt.form,
        spelled(excerpt.shown),
    )
