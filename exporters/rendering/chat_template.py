"""How a model's chats are written: what its own template makes of a question and an answer.

The template is a program by whoever made the model, so jinja2 renders it in its sandbox, with what
transformers gives it. A template that asks for the date is given one that stays the same.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.rendering.encoder import Encoder

_DATE = datetime(2024, 7, 26, tzinfo=UTC)
"""The date that Llama's templates fall back to."""
_QUESTION = "What is asked 7d0f."
_ANSWER = "```rust\nWhat is answered 7d0f.\n```"
Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChatFrame:
    """The text around a question and its answer, with the control tokens spelled out.

    A conversation is `head`, the question, `middle`, `before`, the answer and `tail`. A model is
    asked by what ends with `middle`; what follows is for it to write. `render` is None where the
    tokenizer has no template: then the frame is nothing but an end token.
    """

    head: str
    middle: str
    before: str
    tail: str
    render: Callable[[Sequence[Message]], str] | None = field(default=None, compare=False)

    def conversation(self, question: str, answer: str) -> str:
        """Return a question with its answer as one text."""
        return f"{self.head}{question}{self.middle}{self.before}{answer}{self.tail}"

    def writes(self, messages: Sequence[Message], text: str) -> bool:
        """Tell whether this text is what the template itself makes of a conversation."""
        return self.render is None or self.render(messages) == text


def messages_of(question: str, answer: str | None = None) -> tuple[dict[str, str], ...]:
    """Return a conversation: a user's message, and the assistant's if there is an answer."""
    asked = {"role": "user", "content": question}
    return (asked,) if answer is None else (asked, {"role": "assistant", "content": answer})


def chat_frame(encoder: Encoder) -> ChatFrame:
    """Return how a tokenizer's chats are written.

    Raises ExportError where its template cannot be rendered, changes what is said, or writes a
    conversation in another way than the question alone: then nobody could ask as the rows do.
    """
    source = encoder.chat_template
    if source is None:
        return ChatFrame("", "", "", encoder.end_token)
    template = _compiled(source)
    tokens = encoder.named_tokens

    def render(messages: Sequence[Message], *, asks: bool = False) -> str:
        return _rendered(template, messages, tokens, asks=asks)

    asked = render(messages_of(_QUESTION), asks=True)
    whole = render(messages_of(_QUESTION, _ANSWER))
    head, has_question, middle = asked.partition(_QUESTION)
    behind = whole[len(asked) :]
    before, has_answer, tail = behind.partition(_ANSWER)
    if not has_question or _ANSWER not in whole:
        raise _refused("it changes what is said, or leaves it out")
    if not whole.startswith(asked) or not has_answer:
        raise _refused("a conversation does not begin with what it writes of the question alone")
    frame = ChatFrame(head, middle, before, tail, render)
    if not _begins_alike(encoder, asked, whole):
        raise _refused("the tokens of a conversation do not begin with those of the question alone")
    return frame


def _begins_alike(encoder: Encoder, asked: str, whole: str) -> bool:
    ids = [encoder.encode_spelled(text) for text in (asked, whole)]
    if ids[0] is None or ids[1] is None:
        raise _refused("the tokenizer does not give its text back as it was")
    return ids[1][0][: len(ids[0][0])] == ids[0][0]


def _refused(reason: str) -> ExportError:
    return ExportError(f"--columns messages cannot use the tokenizer's chat template: {reason}")


@cache
def _compiled(source: str) -> Any:
    try:
        from jinja2 import TemplateError, nodes  # noqa: PLC0415  (an extra)
        from jinja2.ext import Extension, loopcontrols  # noqa: PLC0415
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415
    except ImportError as error:
        raise ExportError(
            f"--columns messages needs more: pip install 'rsidx[messages]' ({error})"
        ) from error

    class Generation(Extension):
        """The tag around what the assistant says, of which only the content is written."""

        tags = {"generation"}  # noqa: RUF012  (as jinja2 declares it)

        def parse(self, parser: Any) -> Any:
            """Return the content of the tag."""
            line = next(parser.stream).lineno
            content = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(content, lineno=line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = _DATE.strftime
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise _refused(str(error)) from error


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _rendered(
    template: Any, messages: Sequence[Message], tokens: Mapping[str, str], *, asks: bool
) -> str:
    try:
        return str(
            template.render(
                messages=[dict(one) for one in messages],
                tools=None,
                documents=None,
                add_generation_prompt=asks,
                **tokens,
            )
        )
    except Exception as error:  # Whatever the program of a stranger does.
        raise _refused(str(error) or type(error).__name__) from error
