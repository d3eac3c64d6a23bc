"""From examples to token ids within the budgets."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby, takewhile
from typing import Literal

from rsidx.exporters.edits.git_diff import LineDiffs
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.redaction import (
    has_placeholder,
    spelled,
    split_placeholders,
)
from rsidx.exporters.rendering.base import REJECTED, Chosen, Dialect, IrreversibleError, Piece
from rsidx.exporters.rendering.choosing import Chooser, context_text, n_left_out
from rsidx.exporters.rendering.encoder import Encoder

LEARNED_ROLES = frozenset({"new", "end"})
"""The roles of the tokens that a model is to learn."""


def n_prompt_ids(roles: Iterable[tuple[str, int]]) -> int:
    """Return how many ids stand in front of what is to be learned, by runs of roles."""
    return sum(n_ids for _, n_ids in takewhile(lambda run: run[0] not in LEARNED_ROLES, roles))


_MAX_RUNS = 500
GROWTH_TOKENS = 64
"""In nine of ten edits of long code, the new code is longer by at most so many tokens."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the data set.

    `learned` are the spans of ids that have loss, `roles` what the ids are for, in runs of so
    many. `chosen` is what it shows of the context, `excerpt_tokens` are the tokens of the excerpts;
    `n_left_out` counts those that did not fit, `n_tokens` tokens by role.
    """

    example: Example
    input_ids: list[int]
    learned: tuple[tuple[int, int], ...]
    roles: tuple[tuple[str, int], ...]
    chosen: Chosen
    excerpt_tokens: tuple[int, ...]
    n_left_out: int
    n_tokens: dict[str, int]

    def prompt(self) -> list[int]:
        """Return the ids in front of what is to be learned: of its new code, or its end."""
        return self.input_ids[: n_prompt_ids(self.roles)]


class TooLongError(Exception):
    """An example does not fit; `share` is how much would of what a smaller limit reduces."""

    def __init__(self, share: float) -> None:
        super().__init__(share)
        self.share = share


Shape = Literal["sides", "text", "conversation"]
"""How a row is encoded: a prompt and its answer, each by itself; one text, of which any stretch may
have loss; or a conversation: one text, too, whose dialect writes all of its tokens, the first and
the last included."""


class Renderer:
    """Writes examples down for one dialect and tokenizer.

    `labels` says what has loss: the `target`, what is `changed` of it, or `all`.
    """

    def __init__(
        self,
        encoder: Encoder,
        dialect: Dialect,
        *,
        max_tokens: int,
        context_tokens: int,
        labels: str,
        shape: Shape,
    ) -> None:
        self._encoder = encoder
        self._dialect = dialect
        self.max_tokens = max_tokens
        self._context_tokens = context_tokens
        self._all_labels = labels == "all"
        self._diffs = LineDiffs() if labels == "changed" else None
        self._is_one_text = shape == "text"
        self._is_conversation = shape == "conversation"
        self._bos = None if self._is_conversation else encoder.bos
        # What edits near each other show; what is one text with its answer comes once.
        spelled_ids = encoder.encode_spelled
        has_answer = shape != "sides"
        self._spelled = spelled_ids if has_answer else lru_cache(_MAX_RUNS)(spelled_ids)
        self._chooser = Chooser(dialect, self._n_ids)

    def warm(self, examples: Iterable[Example]) -> None:
        """Encode all texts that examples may need in one batch, on all cores."""
        texts = []
        examples = list(examples)
        if self._diffs is not None:
            self._diffs.warm(map(_sides, examples))
        for example in examples:
            draft, around = example.draft, example.around
            excerpts, edits = range(len(draft.excerpts)), range(len(draft.earlier))
            every = Chosen(excerpts, edits, len(around.before), len(around.behind))
            pieces = self._dialect.pieces(example, every)
            texts += [
                piece.text
                for piece in pieces
                if not piece.is_control and not has_placeholder(piece.text)
            ]
        self._encoder.warm(texts)

    def row(self, example: Example) -> tuple[Row, Counter[str]]:
        """Return an example's row, and what was left out of it.

        Excerpts that do not fit are counted as `context_over_budget`, those of the outline as
        `outline_over_budget`, earlier edits as `earlier_over_budget`, and what the tokenizer
        cannot give back as `context_irreversible`. Raises TooLongError or IrreversibleError.
        """
        n_bare = self.bare_tokens(example)
        room = self._room(n_bare)
        n_around = n_bare["prefix"] + n_bare["suffix"]
        if n_around and room < 0:
            raise TooLongError(max(0, n_around + room) / n_around)
        chosen, dropped = self._chooser.choose(example, max(0, room))
        row = self._assemble(example, chosen)
        # Who trains on a worse answer puts it in the place of the new code.
        n_tokens = len(row.input_ids) - min(row.n_tokens.get(REJECTED, 0), row.n_tokens["new"] + 1)
        if n_tokens > self.max_tokens and n_around:
            raise TooLongError(0)
        if n_tokens > self.max_tokens:
            n_learned = row.n_tokens["new"]
            n_fitting = self.max_tokens - (n_tokens - n_learned)
            raise TooLongError(max(0, n_fitting) / max(1, n_learned))
        return row, dropped

    def _room(self, n_bare: Counter[str]) -> int:
        """Return how many tokens of context a row may show, given those that it has without.

        It does not depend on the answer, which nobody has at inference: room is kept for one that
        is a little longer than the old code, or for a share of the row where there is none. It is
        negative where so much does not fit.
        """
        if self._is_one_text:
            n_known, n_kept = n_bare["prompt"], self.max_tokens // 2
        else:
            n_known = n_bare.total() - sum(n_bare[role] for role in (*LEARNED_ROLES, REJECTED))
            n_kept = self.max_tokens // 4
            if n_bare["old"]:
                n_kept = n_bare["old"] + GROWTH_TOKENS
        return min(self._context_tokens, self.max_tokens - n_known - n_kept)

    def bare_tokens(self, example: Example) -> Counter[str]:
        """Count the tokens of an example without any context, by role.

        Raises IrreversibleError.
        """
        counts = Counter(prompt=int(self._bos is not None))
        for piece in self._dialect.pieces(example, Chosen()):
            counts[piece.role] += self._n_ids(piece)
        return counts

    def _ids(self, piece: Piece) -> Sequence[int]:
        if piece.is_control:
            return (self._encoder.control(piece.text),)
        if has_placeholder(piece.text):
            return self._ids_around_placeholders(piece)
        ids = self._encoder.encode(piece.text)
        if ids is None:
            raise IrreversibleError(piece.role)
        return ids

    def _ids_around_placeholders(self, piece: Piece) -> list[int]:
        """Encode a redacted text; a placeholder is the tokenizer's own token, if it has one."""
        ids: list[int] = []
        for text, is_token in split_placeholders(piece.text):
            if is_token and self._encoder.has(text):
                ids.append(self._encoder.control(text))
                continue
            found = self._encoder.encode(text)
            if found is None:
                raise IrreversibleError(piece.role)
            ids += found
        return ids

    def _n_ids(self, piece: Piece) -> int:
        return 1 if piece.is_control else len(self._ids(piece))

    def _runs(self, pieces: Sequence[Piece]) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield the ids of pieces in runs, each with its role.

        What stands in front of the loss, and what has it, are each encoded as one text, as who
        trains or serves with texts does; where all is one text the tokens cross.
        """
        if self._is_conversation:
            for together in self._apart(pieces):
                yield from self._encoded(together)
            return
        if self._bos is not None:
            yield "prompt", (self._bos,)
        n_rejected = sum(piece.role == REJECTED for piece in pieces)
        pieces, rejected = pieces[: len(pieces) - n_rejected], pieces[len(pieces) - n_rejected :]
        ends = bool(pieces) and pieces[-1].role == "end"
        end = len(pieces) - 1 if ends else len(pieces)
        cut = end if self._is_one_text else min(end, _first_with_loss(pieces))
        for side in (pieces[:cut], pieces[cut:end]):
            for together in self._apart(side):
                yield from self._encoded(together)
        if ends:
            yield "end", (self._encoder.control(pieces[-1].text),)
        for piece in rejected:
            yield piece.role, self._ids(piece)

    def _apart(self, pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
        """Yield pieces that no token of the others can reach into."""
        if not self._encoder.is_split_at_controls:
            yield pieces
            return
        for _, run in groupby(pieces, lambda piece: piece.is_control):
            yield from self._lines_apart(tuple(run))

    def _lines_apart(self, pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
        """Yield texts that no token of the others can reach into: most begin with a line."""
        first = 0
        for index in range(1, len(pieces)):
            before, behind = pieces[index - 1].text[-2:], pieces[index].text[:1]
            is_line = before[-1:] == "\n" and not before[:1].isspace() and len(before) == 2
            if is_line and behind.strip() and self._encoder.is_split_at_lines:
                yield pieces[first:index]
                first = index
        yield pieces[first:]

    def _encoded(self, pieces: Sequence[Piece]) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield the runs of pieces as one text; one by one where code spells a control token.

        A token is of the piece that its first character is of.
        """
        if len(pieces) == 1 or all(piece.is_control for piece in pieces):
            yield from ((piece.role, self._ids(piece)) for piece in pieces)
            return
        texts = [spelled(piece.text) for piece in pieces]
        found = self._spelled("".join(texts))
        if found is None or self._encoder.controls(found[0]) != self._controls(pieces):
            yield from ((piece.role, self._ids(piece)) for piece in pieces)
            return
        ids, starts = found
        first = 0
        for piece, end in zip(pieces, accumulate(map(len, texts)), strict=True):
            behind = bisect_left(starts, end, first)
            yield piece.role, ids[first:behind]
            first = behind

    def _controls(self, pieces: Sequence[Piece]) -> list[int]:
        """Return the control tokens of pieces; a text has none but for its placeholders."""
        marked = (piece for piece in pieces if piece.is_control or has_placeholder(piece.text))
        return self._encoder.controls(token_id for piece in marked for token_id in self._ids(piece))

    def _losses(self, example: Example, role: str, n_ids: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges with loss of the ids of a piece."""
        if self._all_labels or role in LEARNED_ROLES:
            if role == "new" and self._diffs is not None:
                changes = self._diffs.of(*_sides(example))
                yield from _spans(changes.has_loss(self._starts(example.code.texts["new"])))
            else:
                yield 0, n_ids

    def _starts(self, text: str) -> list[int]:
        """Return where each of the ids of a text starts in it, placeholders spelled out."""
        starts, at = [], 0
        for piece, is_token in split_placeholders(text):
            is_one = is_token and self._encoder.has(piece)
            inside = (0,) if is_one else self._encoder.starts(piece)
            starts += [at + start for start in inside]
            at += len(piece)
        return starts

    def _assemble(self, example: Example, chosen: Chosen) -> Row:
        input_ids: list[int] = []
        learned: list[tuple[int, int]] = []
        roles: list[tuple[str, int]] = []
        n_tokens = dict.fromkeys(example.code.roles, 0)
        for role, ids in self._runs(self._dialect.pieces(example, chosen)):
            if not ids:
                continue
            start = len(input_ids)
            input_ids += ids
            for first, end in self._losses(example, role, len(ids)):
                goes_on = learned and learned[-1][1] == start + first
                learned.append((learned.pop()[0] if goes_on else start + first, start + end))
            if role in n_tokens:
                n_tokens[role] += len(ids)
            before = roles.pop()[1] if roles and roles[-1][0] == role else 0
            roles.append((role, before + len(ids)))
        excerpts = example.draft.excerpts
        excerpt_tokens = tuple(
            self._n_ids(context_text(excerpts[index].shown)) for index in chosen.excerpts
        )
        counts = {**n_tokens, "total": len(input_ids)}
        return Row(
            example=example,
            input_ids=input_ids,
            learned=tuple(learned),
            roles=tuple(roles),
            chosen=chosen,
            excerpt_tokens=excerpt_tokens,
            n_left_out=n_left_out(example, chosen),
            n_tokens=counts,
        )


def _sides(example: Example) -> tuple[str, str]:
    """Return the old and the new code as a row spells them."""
    texts = example.code.texts
    return spelled(texts["old"]), spelled(texts["new"])


def _spans(has_loss: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the ranges that have loss."""
    at = 0
    for has, run in groupby(has_loss):
        start, at = at, at + len(list(run))
        if has:
            yield start, at


def _first_with_loss(pieces: Sequence[Piece]) -> int:
    return next((i for i, one in enumerate(pieces) if one.role in LEARNED_ROLES), len(pieces))
