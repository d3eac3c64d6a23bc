"""Training examples one by one, as an export makes them, without a data set.

Duplicates, leakage and splits are not decided here: that takes all rows of a history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.dataset.writer import columns
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.pipeline.cache_key import CommitKeys
from rsidx.exporters.pipeline.commit import CommitPipeline, writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import TokenizedRow, pack, unpack
from rsidx.exporters.pipeline.result_cache import ResultCache
from rsidx.exporters.pipeline.session import session
from rsidx.store.cache import open_cache
from rsidx.store.database import Database

_COMMITS_AT_ONCE = 24


@dataclass(frozen=True, slots=True)
class Example:
    """A training example.

    `prompt` and `completion` are texts with the control tokens spelled out, without the token that
    ends a text; a sequence has no prompt. `labels` are as many as `input_ids`, -100 where there is
    no loss. With `columns="messages"` the texts are what a user asks and what the assistant
    answers, and the ids those of the conversation. `meta` is what a data set's meta file says.
    """

    id: str
    prompt: str
    completion: str
    input_ids: list[int]
    labels: list[int]
    meta: dict[str, Any]


def examples_of(database: Database, config: ExportConfig) -> Iterator[Example]:
    """Yield the examples of the history that a configuration asks for, in its order.

    What an export has made is read from its cache, and what is made here is kept there. Raises
    ExportError, TokenizerError or IndexStoreError.
    """
    tools = writing_tools(config)
    encoder, _, renderer = tools
    with session(database, config, tools) as opened:
        selection = opened.selection()
        with open_cache(database.cache_file, opened.builds) as cache_file:
            build, _ = opened.builds
            keys = CommitKeys(opened.reader, selection.history.commits.values())
            cache = ResultCache(cache_file.of(build), keys)
            encoder.keep_in(cache_file.of(encoder.identity))
            pipeline = CommitPipeline(opened.reader, config, renderer)
            chosen = selection.chosen
            is_chat = config.columns == "messages"
            texts = Messages(encoder) if is_chat else PromptCompletion(encoder)
            missing = {commit.oid for commit in cache.missing(chosen)}
            for start in range(0, len(chosen), _COMMITS_AT_ONCE):
                commits = chosen[start : start + _COMMITS_AT_ONCE]
                new = [commit for commit in commits if commit.oid in missing]
                results = zip(new, pipeline.results(new, Phases()), strict=True)
                cache.put([(commit.oid, pack(result)) for commit, result in results])
                for commit in commits:
                    for edit in unpack(cache.get(commit.oid)).edits:
                        yield from (_example(row, texts, config.kind) for row in edit.rows)


def _example(row: TokenizedRow, texts: PromptCompletion | Messages, kind: str) -> Example:
    # Without a prompt, code with loss and without it takes turns.
    has_prompt = KINDS[kind].has_prompt
    if isinstance(texts, Messages) or has_prompt:
        prompt, completion = texts.texts(row)
    else:
        prompt, completion = "", texts.whole(row)
    shown = columns(row, None)
    meta = orjson.loads(row.meta)
    return Example(meta["id"], prompt, completion, shown["input_ids"], shown["labels"], meta)
