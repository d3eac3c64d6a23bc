"""The context of an edit: which code it is shown with, in which form and order.

The resolver finds definitions, each by a rule. This module gives them a form, a section and a rank,
and adds imports, the outline, callers and tests. The renderer counts tokens, and decides which of
them a row shows.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.context.callers import Caller, Callers
from rsidx.exporters.context.excerpts import NOTHING_HIDDEN, Excerpt, Hidden, excerpt_of, largest
from rsidx.exporters.context.folder import FOLDER_RULE
from rsidx.exporters.context.forms import MAX_WHOLE_BYTES, Form, Forms, TextRun
from rsidx.exporters.context.likely import Likely
from rsidx.exporters.context.made import EARLIER_RULE, EARLIER_SECTION
from rsidx.exporters.context.named import MESSAGE_RULE
from rsidx.exporters.context.near import NEAR_RULE
from rsidx.exporters.context.outline import Outline
from rsidx.exporters.context.wanted import Definitions, Wanted
from rsidx.exporters.edits.edit import Insertion, Side
from rsidx.exporters.resolver.files import File, modules_of
from rsidx.exporters.resolver.references import (
    EXACT_RULES,
    NAME_RULE,
    RECEIVER_RULES,
    CodeLocation,
    Resolver,
)
from rsidx.store.addresses import HEADER
from rsidx.store.reader import Reader
from rsidx.store.records import Reference

SECTIONS = (
    EARLIER_SECTION,
    "imports",
    "traits",
    "structs",
    "enums",
    "impls",
    "functions",
    "macros",
    "constants",
    "outline",
    "callers",
    "tests",
)
_SECTION_OF = {
    "trait": "traits",
    "struct": "structs",
    "union": "structs",
    "type": "structs",
    "enum": "enums",
    "impl": "impls",
    "fn": "functions",
    "method": "functions",
    "macro": "macros",
    "const": "constants",
    "static": "constants",
}
RULES = (
    EARLIER_RULE,
    "enclosing",
    "self_type",
    *EXACT_RULES,
    *RECEIVER_RULES,
    "macro",
    NAME_RULE,
    "imports",
    MESSAGE_RULE,
    NEAR_RULE,
    FOLDER_RULE,
    "outline",
    "callers",
    "tests",
)
"""The rules that find excerpts. Where two find a definition, the excerpt names the earlier rule."""
EXTRAS = ("callers", "tests", "names")
"""What is shown only where `--context-with` asks for it."""
_MANY_BYTES = 2400
"""About 700 tokens: where code refers to more, types are reduced sooner, so that more fit."""
_MAX_WHOLE_OF_MANY_BYTES = 200
_MAX_IMPORTS_BYTES = 400
_MAX_CALLERS = 6
_MAX_LIKELY = 80
_MAX_KEPT = 2_000
_HEADING_BYTES = 20
_LEAST_WORTH = 0.25
"""What is less likely to be needed is worth less than more of the file, where there is old code."""
_POWER_OF_LENGTH = 0.3
"""Of two definitions that are as likely to be needed, the shorter comes first, but not by much."""
_STEP_BYTES = 400
"""How much more of a definition's members each excerpt shows, so that the budget takes some."""
# Up to where the names begin, with the attributes, of a length that somebody would write.
_USE = re.compile(
    rb"(?:#\[[^\]]{0,200}\]\s{0,80}){0,8}(?:pub(?:\([^)]{0,80}\))?\s{1,80})?"
    rb"(?:use|extern\s{1,80}crate)\s"
)
_WORD = re.compile(r"\w+")
_WORD_BYTES = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class Candidates:
    """The excerpts for some code in descending value, and counts of its references by outcome.

    `changed` are the sides that were to be shown and are not, since edits have changed them.
    """

    excerpts: list[Excerpt]
    references: Counter[str]
    changed: frozenset[Side]


class ContextBuilder:
    """Turns what the resolver finds into excerpts, best first."""

    def __init__(
        self, reader: Reader, resolver: Resolver, extras: frozenset[str] = frozenset()
    ) -> None:
        self._reader = reader
        self._resolver = resolver
        self._forms = Forms(reader)
        self._definitions = Definitions(reader, resolver, RULES)
        self._callers = Callers(reader, resolver)
        self._extras = extras
        self._outline = Outline(reader, resolver.modules, self._forms)
        self._likely_shown: dict[tuple[object, ...], tuple[Excerpt, ...]] = {}

    def candidates(
        self,
        mentions: Sequence[tuple[CodeLocation, Sequence[Reference]]],
        *,
        own: Side | None,
        insertion: Insertion | None = None,
        has_outline: bool,
        likely: Iterable[Likely] = (),
        changed: Sequence[Side] = (),
    ) -> Candidates:
        """Return the excerpts for some code in descending value, without duplicates.

        `mentions` are the code's references by the location that they are resolved at, the first
        of which is the code's own. `own` is the code as the snapshot has it, if it does: no byte of
        it is shown. Of new code, `insertion` is where it comes into the snapshot. What is `likely`
        to be needed comes behind what the code refers to. Code that edits have `changed` already,
        as the snapshot has it, is not shown.
        """
        hidden = Hidden((own, *changed))
        location = mentions[0][0]
        file = self._resolver.modules.file(location.path_id)
        wanted, outcomes = self._definitions.named(mentions, guess="names" in self._extras)
        self._reader.prefetch_texts(one.definition.chunk.id for one in wanted.values())
        named = [excerpt for one in wanted.values() for excerpt in self._shown(one, hidden)]
        max_bytes = MAX_WHOLE_BYTES
        if sum(len(excerpt.text) for excerpt in largest(named)) > _MANY_BYTES:
            max_bytes = _MAX_WHOLE_OF_MANY_BYTES
            named = [
                excerpt
                for one in wanted.values()
                for excerpt in self._shown(one, hidden, max_bytes=max_bytes)
            ]
        named.sort(key=lambda excerpt: self._rank(excerpt, location))
        excerpts = _without_covered(named)
        callers = self._callers_of(own) if own is not None else []
        if file is not None:
            references = [one for _, inside in mentions for one in inside]
            excerpts += self._imports(file, location, references, hidden)
            apart = frozenset(c.index for c in callers if c.file.blob_id == file.blob_id)
            known = {
                index: self._names_shown(file, one, max_bytes)
                for (path, blob, index), one in wanted.items()
                if (path, blob) == (file.path_id, file.blob_id)
            }
            if has_outline:
                excerpts += self._outline.excerpts(
                    file, location.container, own or insertion, known, apart
                )
        arriving = self._definitions.likely(likely, wanted, _LEAST_WORTH if own is not None else 0)
        excerpts += self._likely(arriving.values(), hidden)
        for caller in callers:
            section = "tests" if caller.is_test else "callers"
            chunk, start = caller.file.chunks[caller.index], caller.file.starts[caller.index]
            lines = self._forms.joined(chunk, start, caller.lines(self._reader))
            form = Form("lines", lines)
            excerpt = excerpt_of(section, caller.file, caller.name, section, form, hidden)
            if excerpt is not None:
                excerpts.append(excerpt)
        asked = {at for one in (*wanted.values(), *arriving.values()) for at in one.asked}
        gone = (side for side in changed if _is_asked_for(side, asked))
        return Candidates(excerpts, outcomes, frozenset(gone))

    def _likely(self, found: Iterable[Wanted], hidden: Hidden) -> list[Excerpt]:
        """Return what is likely to be needed, by its worth for its length."""
        best = sorted(found, key=lambda one: (-one.worth, one.key))[:_MAX_LIKELY]
        self._reader.prefetch_texts(one.definition.chunk.id for one in best)
        excerpts = [
            (one.worth / (len(excerpt.text) + _HEADING_BYTES) ** _POWER_OF_LENGTH, excerpt)
            for one in best
            for excerpt in self._shown_before(one, hidden)
        ]
        excerpts.sort(key=lambda one: (-one[0], one[1].path_id, one[1].ranges))
        return [excerpt for _, excerpt in excerpts]

    def _shown_before(self, wanted: Wanted, hidden: Hidden) -> Sequence[Excerpt]:
        """Return what `_shown` yields of what is likely; edits near each other ask for the same."""
        definition = wanted.definition
        file = self._resolver.modules.file(definition.path_id)
        if file is not None and hidden.touches(file.blob_id, *_extent(file, definition.index)):
            return [*self._shown(wanted, hidden, max_bytes=_MAX_WHOLE_OF_MANY_BYTES)]
        members = frozenset(wanted.members)
        key = (
            wanted.rule,
            wanted.key,
            definition.symbol.start,
            members,
            wanted.is_only_imported,
        )
        if key not in self._likely_shown:
            if len(self._likely_shown) == _MAX_KEPT:
                self._likely_shown.clear()
            found = self._shown(wanted, NOTHING_HIDDEN, max_bytes=_MAX_WHOLE_OF_MANY_BYTES)
            self._likely_shown[key] = tuple(found)
        return self._likely_shown[key]

    def _rank(self, excerpt: Excerpt, location: CodeLocation) -> tuple[object, ...]:
        path = self._reader.path(excerpt.path_id)
        here = self._reader.path(location.path_id)
        distance = 2
        if path == here:
            distance = 0
        elif path.rpartition(b"/")[0] == here.rpartition(b"/")[0]:
            distance = 1
        size = len(excerpt.text)
        return (excerpt.rule == NAME_RULE, size, distance, path, excerpt.ranges)

    def _shown(
        self, wanted: Wanted, hidden: Hidden, *, max_bytes: int = MAX_WHOLE_BYTES
    ) -> Iterator[Excerpt]:
        definition = wanted.definition
        section = _SECTION_OF.get(definition.symbol.kind)
        file = self._resolver.modules.file(definition.path_id)
        if section is None or file is None:
            return
        for form in self._forms_of(wanted, file, max_bytes):
            if wanted.rule != "enclosing" and hidden.empties(file.blob_id, form):
                continue
            excerpt = excerpt_of(section, file, definition.symbol.name, wanted.rule, form, hidden)
            if excerpt is not None:
                anchor = definition.start if wanted.is_only_imported else None
                yield replace(excerpt, names=_needed(wanted.names), anchor=anchor)

    def _forms_of(self, wanted: Wanted, file: File, max_bytes: int) -> Iterator[Form]:
        """Yield the forms of a definition, each with more of it."""
        definition, members = wanted.definition, frozenset(wanted.members)
        if not wanted.is_only_imported or definition.symbol.kind == "macro":
            yield from self._forms.of(file, definition, members, max_bytes=max_bytes).grown(
                _STEP_BYTES
            )
            return
        signature = self._forms.signature(definition.chunk, definition.start)
        yield Form("signature", (signature,))
        if wanted.worth and definition.symbol.kind != "fn":
            # What code elsewhere imports is not in view: of it there is all, where there is room.
            yield from self._forms.of(file, definition, members).grown(_STEP_BYTES)

    def _names_shown(self, file: File, wanted: Wanted, max_bytes: int) -> frozenset[str]:
        """Return the names of the members that are shown with a definition."""
        if wanted.is_only_imported:
            return frozenset()
        members = frozenset(wanted.members)
        return self._forms.names_shown(file, wanted.definition, members, max_bytes)

    def _imports(
        self, file: File, location: CodeLocation, references: Sequence[Reference], hidden: Hidden
    ) -> Iterator[Excerpt]:
        """Yield the `use` declarations of the code's module; of many those in use."""
        names = {word.encode() for r in references for word in _WORD.findall(r.path)}
        for index, chunk in enumerate(file.chunks):
            if chunk.kind != "imports" or modules_of(chunk.container) not in (location.modules, ()):
                continue
            piece = self._forms.whole(chunk, file.starts[index])
            form = Form("whole", (piece,))
            if len(piece.text) > _MAX_IMPORTS_BYTES:
                used = (one for one in _uses(piece) if not names.isdisjoint(_words(one)))
                form = Form("used", tuple(used))
            excerpt = excerpt_of("imports", file, "", "imports", form, hidden)
            if excerpt is not None:
                yield excerpt

    def _callers_of(self, own: Side) -> list[Caller]:
        """Return the code that refers to what is edited: callers and tests, as asked for."""
        found: dict[bool, list[Caller]] = {False: [], True: []}
        wanted = {False: "callers" in self._extras, True: "tests" in self._extras}
        for caller in self._callers.of_side(own) if any(wanted.values()) else ():
            if wanted[caller.is_test] and len(found[caller.is_test]) < _MAX_CALLERS:
                found[caller.is_test].append(caller)
        return [*found[False], *found[True]]


def _extent(file: File, index: int) -> tuple[int, int]:
    """Return the bytes of an item, with its members."""
    is_container = file.chunks[index].kind.endswith(HEADER)
    last = file.extent(index)[-1] if is_container else index
    return file.starts[index], file.starts[last] + file.chunks[last].n_bytes


def _is_asked_for(side: Side, asked: Container[tuple[int, int]]) -> bool:
    positions = range(side.position, side.position + len(side.chunks))
    return any((side.blob_id, position) in asked for position in positions)


def _uses(piece: TextRun) -> Iterator[TextRun]:
    """Yield each `use` or `extern crate` of a chunk, with its attributes."""
    start = piece.start
    for statement in piece.text.split(b";")[:-1]:
        match = _USE.search(statement)
        if match is not None:
            yield TextRun(start + match.start(), statement[match.start() :] + b";")
        start += len(statement) + 1


def _words(piece: TextRun) -> list[bytes]:
    return _WORD_BYTES.findall(piece.text)


def _needed(names: set[str]) -> frozenset[str]:
    """Return the names that an excerpt explains; none if it is shown in any case."""
    return frozenset() if "" in names else frozenset(names)


def _covers(ranges: Iterable[tuple[int, int]], one: tuple[int, int]) -> bool:
    return any(start <= one[0] and one[1] <= end for start, end in ranges)


def _without_covered(excerpts: list[Excerpt]) -> list[Excerpt]:
    """Return the excerpts without those whose text another one has."""
    by_blob: dict[int, list[Excerpt]] = {}
    for excerpt in excerpts:
        by_blob.setdefault(excerpt.blob_id, []).append(excerpt)
    return [
        excerpt
        for excerpt in excerpts
        if not any(
            other.key != excerpt.key
            and other.ranges != excerpt.ranges
            and all(_covers(other.ranges, one) for one in excerpt.ranges)
            for other in by_blob[excerpt.blob_id]
        )
    ]
