"""How much of what an edit refers to stands in its context, beside two other ways to fill it.

    python benchmarks/coverage.py INDEX --tokenizer PATH [--commits N] [--json FILE]

For commits spread over a history, the references of each edit (both sides) that mean a
definition of the workspace are looked up in what is shown within 512, 1,024 and 2,048 tokens:
by rsidx; by rsidx if it looks at the answer (--context-from answer); by BM25 over all chunks of
the same snapshot, asked with the identifiers of the edit, both sides (the library bm25s); and by
the definitions that the commit touches elsewhere. A reference counts as covered where the line of
its definition is shown. What the edit itself contains is left out of the count. A part of a long
edit is counted by itself. All are charged alike.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import bm25s

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.exporters.pipeline.drafts import Drafter
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.edit import edit_code
from rsidx.exporters.rendering.renderer import Renderer, TooLongError
from rsidx.exporters.resolver.files import Definition
from rsidx.exporters.splits.history import history_of
from rsidx.exporters.splits.split import select
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

BUDGETS = (512, 1024, 2048)
WAYS = ("rsidx", "rsidx, given the answer", "BM25", "same commit")
_WORD = re.compile(r"[A-Za-z_]\w+")
_MAX_RETRIEVED = 60
_MAX_TOKENS = 16_384


@dataclass
class Tally:
    """Counts of references, and of those whose definition is shown, by way and budget."""

    sought: int = 0
    covered: Counter[tuple[str, int]] = field(default_factory=Counter)
    tokens: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    n_edits: int = 0
    definitions: list[int] = field(default_factory=list)


class _Snapshots:
    """BM25 over the chunks of one snapshot after another."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.words: dict[int, list[str]] = {}
        self.places: list[tuple[int, int, int, int]] = []
        self.index: bm25s.BM25 | None = None

    def build(self, files: dict[int, int]) -> bool:
        corpus = []
        self.places = []
        for path_id, blob_id in sorted(files.items()):
            if not self.reader.path(path_id).endswith(b".rs"):
                continue
            chunks = self.reader.chunks(blob_id)
            self.reader.prefetch_texts(chunk.id for chunk in chunks)
            start = 0
            for index, chunk in enumerate(chunks):
                words = self.words.get(chunk.id)
                if words is None:
                    words = _words(self.reader.text(chunk.id).decode("utf-8"))
                    self.words[chunk.id] = words
                if words:
                    corpus.append(words)
                    self.places.append((path_id, blob_id, index, start))
                start += chunk.n_bytes
        if corpus:
            self.index = bm25s.BM25(k1=1.2, b=0.75)
            self.index.index(corpus, show_progress=False)
        return bool(corpus)

    def retrieve(self, query: list[str], own: Side | None) -> Iterator[Excerpt]:
        assert self.index is not None
        k = min(_MAX_RETRIEVED, len(self.places))
        found, _ = self.index.retrieve([sorted(set(query))], k=k, show_progress=False)
        for number in found[0]:
            path_id, blob_id, index, start = self.places[int(number)]
            if own is not None and own.blob_id == blob_id and own.position == index:
                continue
            chunk = self.reader.chunks(blob_id)[index]
            yield _whole(self.reader, path_id, blob_id, start, chunk.id)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _whole(reader: Reader, path_id: int, blob_id: int, start: int, chunk_id: int) -> Excerpt:
    text = reader.text(chunk_id)
    skipped = len(text) - len(text.lstrip())
    shown = text[skipped:].decode("utf-8")
    shown = shown if shown.endswith("\n") else f"{shown}\n"
    ranges = ((start + skipped, start + len(text)),)
    return Excerpt("functions", path_id, blob_id, ranges, shown, "", "", "whole")


def _touched(reader: Reader, edit: Edit, edits: Sequence[Edit]) -> Iterator[Excerpt]:
    """Yield the definitions that the same commit touches elsewhere, as they were."""
    for other in edits:
        side = other.old
        if other is edit or side is None:
            continue
        start = side.start
        for chunk in side.chunks:
            if reader.symbols(chunk.id):
                yield _whole(reader, side.path_id, side.blob_id, start, chunk.id)
            start += chunk.n_bytes


def _sought(drafter: Drafter, edit: Edit, own: Side | None) -> dict[Definition, set[str]]:
    """Return the definitions outside of an edit that it refers to, by which words."""
    found: dict[Definition, set[str]] = {}
    every = (
        resolved
        for site, references in drafter.mentions.of_place(edit.place, edit)
        for resolved in drafter.resolver.resolve(site, references)[0]
    )
    for resolved in every:
        definition = resolved.definition
        is_own = (
            own is not None
            and own.path_id == definition.path_id
            and own.position <= definition.index < own.position + len(own.chunks)
        )
        if resolved.reference is not None and not is_own:
            found.setdefault(definition, set()).add(resolved.name)
    return found


def _is_shown(definition: Definition, excerpts: Sequence[Excerpt]) -> bool:
    at = definition.start + definition.symbol.signature_start
    return any(
        excerpt.blob_id == definition.blob_id
        and any(first <= at < last for first, last in excerpt.ranges)
        for excerpt in excerpts
    )


def _shown(renderer: Renderer, example: Example) -> tuple[list[Excerpt], int]:
    row, _ = renderer.row(example)
    return [example.draft.excerpts[index] for index in row.chosen.excerpts], row.n_tokens["context"]


def measure(
    reader: Reader,
    chosen: Sequence[CommitRow],
    tokenizer: str,
) -> Tally:
    """Measure the edits of the chosen commits."""
    config = ExportConfig(tokenizer=tokenizer, max_tokens=_MAX_TOKENS)
    steps = Steps.of(reader, config)
    renderers = {
        budget: writing_tools(replace(config, context_tokens=budget))[2] for budget in BUDGETS
    }
    snapshots = _Snapshots(reader)
    answering = Steps.of(reader, replace(config, context_from="answer"))
    tally = Tally()
    limits = Limits(config.max_chars, config.max_chars)
    for commit in chosen:
        selection = steps.selector.of(commit)
        drafts, _ = steps.drafter.of_commit(commit, selection)
        answers, _ = answering.drafter.of_commit(commit, selection)
        if not drafts:
            continue
        if not snapshots.build(steps.drafter.files):
            continue  # The first commit stands on an empty tree.
        edits = [drafted.draft.edit for drafted in drafts]
        for edit, drafted, answered in zip(edits, drafts, answers, strict=True):
            named = _sought(steps.drafter, edit, edit.old)
            touched = tuple(_touched(reader, edit, edits))
            parts, _ = steps.builder.examples(steps.builder.redacted(drafted.draft), limits)
            told, _ = answering.builder.examples(answering.builder.redacted(answered.draft), limits)
            for part, with_answer in zip(parts, told, strict=True):
                code = edit_code(part)
                text = f"{code.old}\n{code.lead}{code.new}"
                words = set(_WORD.findall(text))
                sought = [one for one, names in named.items() if not names.isdisjoint(words)]
                ways = {
                    "rsidx": part.draft.excerpts,
                    "rsidx, given the answer": with_answer.draft.excerpts,
                    "BM25": tuple(snapshots.retrieve(_words(text), edit.old)),
                    "same commit": touched,
                }
                _measure_part(reader, renderers, part, sought, ways, tally)
    return tally


def _measure_part(
    reader: Reader,
    renderers: dict[int, Renderer],
    part: Example,
    sought: Sequence[Definition],
    ways: dict[str, tuple[Excerpt, ...]],
    tally: Tally,
) -> None:
    tally.n_edits += 1
    tally.definitions.append(len(sought))
    if not sought:
        return
    tally.sought += len(sought)
    for way, excerpts in ways.items():
        paths = tuple(reader.path(e.path_id).decode("utf-8", "replace") for e in excerpts)
        draft = replace(part.draft, excerpts=excerpts, excerpt_paths=paths)
        given = replace(part, draft=draft)
        for budget, renderer in renderers.items():
            try:
                shown, n_tokens = _shown(renderer, given)
            except TooLongError:
                continue
            n_covered = sum(_is_shown(one, shown) for one in sought)
            tally.covered[way, budget] += n_covered
            tally.tokens.setdefault((way, budget), []).append(n_tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("index")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    database = Database(resolve_url(options.index), create=False)
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, None)
        assert repository_id is not None
        reader = Reader(connection, repository_id)
        history = history_of(reader, reader.ref_tips(), ("HEAD",))
        rejected = Filters("history", ()).reason
        every, _ = select(list(history.commits.values()), history.reached, rejected)
        step = max(1, len(every) // options.commits)
        tally = measure(reader, every[step // 2 :: step], options.tokenizer)
    figures = {
        "edits, or parts of long ones": tally.n_edits,
        "references to workspace definitions": tally.sought,
        "definitions of an edit: median, 90%": [
            median(tally.definitions),
            sorted(tally.definitions)[int(len(tally.definitions) * 0.9)],
        ],
        "covered, percent": {
            way: {b: round(100 * tally.covered[way, b] / tally.sought, 1) for b in BUDGETS}
            for way in WAYS
        },
        "context tokens, median": {
            way: {b: median(tally.tokens[way, b]) for b in BUDGETS} for way in WAYS
        },
    }
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
