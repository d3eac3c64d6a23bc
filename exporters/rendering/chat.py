"""The dialect of instruct models: a user's message that asks, and an assistant's that answers."""

from collections.abc import Iterator

from rsidx.answer import fence_for
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.rendering.base import (
    Chosen,
    Piece,
    before_pieces,
    behind_pieces,
    context_files,
    control,
    earlier_pieces,
    excerpt_pieces,
    text,
)
from rsidx.exporters.rendering.chat_template import ChatFrame
from rsidx.exporters.rendering.edit import edit_code
from rsidx.exporters.rendering.encoder import Encoder

MESSAGE = ("<message>\n", "\n</message>\n\n")
"""What stands around the commit's message."""
_LEAD = "The new code so far"
_ANSWERS = {
    "code": "Answer with the new code alone, in one code block.",
    "blocks": "Answer with search/replace blocks, or with all of the new code, in one code block.",
}
"""What is asked for, by `--target`."""


class ChatDialect:
    """A conversation as a tokenizer's chat template writes it: code in fences, under its path.

    The answer is the new code, or blocks, in one fence.
    """

    def __init__(self, encoder: Encoder, frame: ChatFrame, target: str) -> None:
        self.name = "chat"
        self._answer = _ANSWERS[target]
        self._head = tuple(_pieces(encoder, frame.head, "prompt"))
        self._middle = tuple(_pieces(encoder, frame.middle, "prompt"))
        self._before = tuple(_pieces(encoder, frame.before, "new"))
        self._tail = tuple(_pieces(encoder, frame.tail, "end"))
        framing = (*self._head, *self._middle, *self._before, *self._tail)
        self.control_tokens: tuple[str, ...] = tuple(
            dict.fromkeys(piece.text for piece in framing if piece.is_control)
        )

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return all that stands around a file's excerpts."""
        path, fence = draft.excerpt_paths[index], fence_for(draft.excerpts[index].shown)
        return _opened(f"`{path}`", fence) + _closed(fence)

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the file before and behind the place; where none is chosen, the frames of both."""
        path = example.draft.path
        sides = (
            ("before", before_pieces(example, chosen)),
            ("behind", behind_pieces(example, chosen)),
        )
        pieces: list[Piece] = []
        for side, inside in sides:
            if inside or not chosen.has_around:
                pieces += _fenced(f"`{path}`, {side} the place", inside, "context")
        return pieces

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write the old and the new code of an earlier edit."""
        old, new = text(earlier.old_text, "context"), text(earlier.new_text, "context")
        return [
            *_fenced(f"`{earlier.old_path or earlier.path}`, as it was", [old], "context"),
            *_fenced(f"`{earlier.path}`, as it is now", [new], "context"),
        ]

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write message, context, the file around the place, old code and answer."""
        draft, code = example.draft, edit_code(example)
        pieces = [*self._head, *_asked(draft)]
        for inside in context_files(draft, chosen.excerpts):
            shown = [*excerpt_pieces(draft, inside)]
            pieces += _fenced(f"`{draft.excerpt_paths[inside[0]]}`", shown, "context")
        pieces += earlier_pieces(self, draft, chosen.edits)
        if chosen.has_around:
            pieces += self.around_pieces(example, chosen)
        pieces += _place(example)
        pieces += [text(self._answer), *self._middle, *self._before]
        fence = fence_for(code.answer)
        pieces += [text(f"{fence}rust\n", "new"), text(code.answer, "new"), text(fence, "new")]
        return [*pieces, *self._tail]


def with_lead(question: str, lead: str) -> str:
    """Return the question of a later part of new code with other code leading up to it."""
    front, _, behind = _around_lead(question)
    fence = fence_for(lead)
    return f"{front}{_opened(_LEAD, fence)}{lead}{_closed(fence)}{behind}"


def lead_of(question: str) -> str:
    """Return the code that leads up to a later part of new code, as its question shows it."""
    return _around_lead(question)[1]


def _around_lead(question: str) -> tuple[str, str, str]:
    """Return a question up to the code that leads up to a part, that code, and what follows."""
    front, _, rest = question.rpartition(f"{_LEAD}:\n")
    opening, _, rest = rest.partition("\n")
    # In the code, a fence as long may stand behind the beginning of a line.
    lead, end, behind = rest.partition("\n" + _closed(opening.removesuffix("rust")))
    return front, lead + end[:1], behind


def _asked(draft: Draft) -> list[Piece]:
    """Return what is to be done where, in the words of the commit's message."""
    begin, end = MESSAGE
    verb = {"add": "Add code to", "delete": "Remove code from"}.get(draft.place.change, "Change")
    asked = f"{verb} `{draft.path}` of {draft.repository}, as this commit message says:\n\n{begin}"
    return [text(asked), text(draft.message), text(end)]


def _place(example: Example) -> Iterator[Piece]:
    """Yield the old code, what leads up to the new, and what is said of it."""
    draft, code = example.draft, edit_code(example)
    path = draft.old_path or draft.path
    if code.old:
        yield from _fenced(f"The code to change, in `{path}`", [text(code.old, "old")], "prompt")
    else:
        yield text("There is no code at the place yet.\n\n")
    if code.lead:
        yield from _fenced(_LEAD, [text(code.lead, "lead")], "prompt")
    if draft.origin:
        yield text(f"It comes from `{draft.origin}`.\n")
    if example.is_part:
        yield text("It is a part of a longer item.\n")
    if draft.given is not None:
        yield text(f"To be added: `{draft.given.text}`\n")


def _fenced(label: str, inside: list[Piece], role: str) -> list[Piece]:
    """Write code in a fence, under a line that says what it is."""
    fence = fence_for(*(piece.text for piece in inside))
    code = [piece for piece in inside if piece.text]
    if code and not code[-1].text.endswith("\n"):
        code.append(text("\n", role))
    return [text(_opened(label, fence), role), *code, text(_closed(fence), role)]


def _opened(label: str, fence: str) -> str:
    return f"{label}:\n{fence}rust\n"


def _closed(fence: str) -> str:
    return f"{fence}\n\n"


def _pieces(encoder: Encoder, content: str, role: str) -> Iterator[Piece]:
    """Yield a text of the template with its control tokens as such."""
    for piece, is_control in encoder.split_controls(content):
        yield control(piece, role) if is_control else text(piece, role)
