"""A model's own template says how a conversation is written; one that cannot be used is refused."""

import sys

import pytest
from tokenizers import Tokenizer

from rsidx.errors import ExportError
from rsidx.exporters.rendering.chat_template import chat_frame, messages_of
from rsidx.exporters.rendering.encoder import Encoder, load
from tests.chats import TEMPLATES, write_chat


@pytest.fixture
def frame(tokenizer_file, tmp_path):
    def make(name="chatml", template=None):
        folder = write_chat(tmp_path / "chat", tokenizer_file, name, template)
        return chat_frame(Encoder(load(str(folder)), source=str(folder)))

    return make


def test_the_frame_is_what_a_template_writes_around_what_is_said(frame):
    found = frame("thinking")
    assert (found.head, found.middle) == (
        "<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
    )
    assert (found.before, found.tail) == ("<think>\n\n</think>\n\n", "<|im_end|>\n")


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_the_frame_writes_is_what_the_template_renders(frame, name):
    found = frame(name)
    messages = messages_of("What is\n\n`1`?", "```rust\n1\n```")
    text = found.conversation("What is\n\n`1`?", "```rust\n1\n```")
    assert text == found.render(messages)
    assert found.writes(messages, text)
    assert not found.writes(messages, text + "!")
    assert text.startswith(found.render(messages[:1], asks=True))


def test_without_a_template_there_is_nothing_but_an_end_token(plain_file):
    found = chat_frame(Encoder(load(str(plain_file)), source=str(plain_file)))
    assert found.conversation("a", "b") == "ab</s>"
    assert found.writes(messages_of("a", "b"), "ab</s>")


CHATML = TEMPLATES["chatml"][0]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (CHATML.replace("{% for", "{{ messages | length }}{% for", 1), "does not begin with"),
        (CHATML.replace("assistant\n", "assistant: "), "does not begin with"),
        (CHATML.replace("{{ m.content }}", "{{ m.content | upper }}"), "it changes what is said"),
        (CHATML.replace("{{ m.content }}", ""), "it changes what is said"),
        ("{{ raise_exception('only for tools') }}", "only for tools"),
        ("{% for m in messages %}", "Unexpected end of template"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{{ messages.append(messages[0]) }}", "unsafe"),
        ("{{ missing.role }}", "'missing' is undefined"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_used_is_refused_with_the_reason(frame, template, reason):
    with pytest.raises(ExportError, match="chat template") as refused:
        frame("chatml", template)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_template_is_refused_where_a_token_reaches_from_the_question_into_the_answer(
    tokenizer_file, tmp_path
):
    folder = write_chat(tmp_path / "crossing", tokenizer_file)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["\n```"])
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ExportError, match="the tokens of a conversation do not begin"):
        chat_frame(Encoder(load(str(folder)), source=str(folder)))


def test_a_template_is_given_what_transformers_gives_it(frame):
    template = (
        "{% if tools is none and documents is none %}{{ strftime_now('%d %b %Y') }}"
        "{{ {'größe': 1} | tojson }}{{ eos_token }}{% endif %}" + CHATML
    )
    found = frame("chatml", template)
    assert found.head == '26 Jul 2024{"größe": 1}<|im_end|><|im_start|>user\n'


def test_of_several_templates_the_default_is_taken(frame, tokenizer_file, tmp_path):
    several = [{"name": "tools", "template": "x"}, {"name": "default", "template": CHATML}]
    folder = write_chat(tmp_path / "several", tokenizer_file, template=several)
    found = chat_frame(Encoder(load(str(folder)), source=str(folder)))
    assert found == frame("chatml")


def test_without_jinja2_it_is_said_what_to_install(frame, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ExportError, match=r"pip install 'rsidx\[messages\]'"):
        frame("chatml", CHATML + "{# another one #}")
