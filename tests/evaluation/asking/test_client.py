"""What a server sends is an answer or an error in plain words, and a key goes nowhere else."""

import time

import pytest

from rsidx import EvaluationError, Sampling
from rsidx.evaluation.asking.client import Client
from rsidx.evaluation.asking.prompts import RowPrompt
from tests.evaluation.server import served

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BEGUN = b'data: {"choices":[{"text":"fn begun() {}","finish_reason":null}]}\n\n'
REFUSED = b"HTTP/1.1 500 Broken\r\n"


@pytest.fixture
def server():
    with served() as (url, model):
        model.url = url
        yield model


def ask(server, *, is_streamed, timeout_s=60):
    client = Client(server.url, "small", timeout_s=timeout_s)
    on_text = (lambda _: None) if is_streamed else None
    return client.complete(RowPrompt("", "prompt"), Sampling(), ("<end>",), on_text=on_text)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "sent",
    [
        STREAM + b"\r\n" + BEGUN,
        STREAM + b"\r\n",
        STREAM + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(BEGUN),
        STREAM + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(BEGUN)[:-9],
    ],
    ids=["closed", "empty", "chunked", "in a chunk"],
)
def test_a_stream_without_its_end_is_no_answer(server, sent):
    server.answer = lambda *_: iter([sent])
    with pytest.raises(EvaluationError, match="broke off its answer"):
        ask(server, is_streamed=True)


@pytest.mark.parametrize(
    "end", [b"data: [DONE]\n\n", b'data: {"choices":[{"text":"","finish_reason":"stop"}]}\n']
)
def test_a_stream_ends_with_a_reason_or_with_its_last_event(server, end):
    sent = STREAM + b"\r\n" + BEGUN + end
    server.answer = lambda *_: (sent[n : n + 1] for n in range(len(sent)))
    found = ask(server, is_streamed=True)
    assert (found.text, found.finish_reason) == ("fn begun() {}", "stop")


def test_an_answer_that_keeps_coming_is_not_waited_for(server):
    def sent():
        yield STREAM + b"\r\n"
        for _ in range(40):
            yield BEGUN
            time.sleep(0.05)
        yield b"data: [DONE]\n\n"

    server.answer = lambda *_: sent()
    with pytest.raises(EvaluationError, match=r"broke off its answer: .*(1 seconds|timed out)"):
        ask(server, is_streamed=True, timeout_s=1)


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("[" * 100_000, "gave no JSON"),
        ({"choices": [{"text": ["fn"]}]}, "without a completion"),
        (REFUSED + b"Content-Length: 9\r\n\r\nbad", "refused with status 500: bad"),
        (REFUSED + b"Transfer-Encoding: chunked\r\n\r\nz", "refused with status 500"),
    ],
    ids=["nested", "no text", "cut", "no chunk"],
)
def test_what_is_no_answer_is_said_in_a_line(server, answer, says, is_streamed):
    server.stream = False
    server.answer = lambda *_: iter([answer]) if isinstance(answer, bytes) else answer
    with pytest.raises(EvaluationError, match=says):
        ask(server, is_streamed=is_streamed)


@pytest.mark.parametrize("event", ["[" * 100_000, '{"choices":[{"text":5}]}', "[1]", "<html>"])
def test_an_event_that_is_none_is_said_in_a_line(server, event):
    server.answer = lambda *_: iter([STREAM + b"\r\ndata: " + event.encode() + b"\n\n"])
    with pytest.raises(EvaluationError, match="streamed no completion"):
        ask(server, is_streamed=True)


def test_a_key_and_a_prompt_go_to_no_other_address(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    with served() as (url, other):
        to = f"HTTP/1.1 302 Found\r\nLocation: {url}/v1/models\r\n\r\n".encode()
        server.answer = lambda *_: iter([to])
        with pytest.raises(EvaluationError, match=f"sends on to {url}/v1/models; name the address"):
            ask(server, is_streamed=False)
        assert other.requests == []


@pytest.mark.parametrize("key", ["a-secret\nkey", "a-secret-\u20ac"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_printed(server, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(EvaluationError, match=r"^OPENAI_API_KEY has what no key has") as caught:
        ask(server, is_streamed=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/v1",
        "http://127.0.0.1:abc",
        "http://127.0.0.1:99999",
        "http://b\u00fccher..example/v1",
        "http://127.0.0.1:1/\u00e4",
        "http://127.0.0.1:1/v1?a=b",
        "http://a b/",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(EvaluationError, match="is no address, such as"):
        Client(url, "small", timeout_s=1)


def test_a_password_in_an_address_is_refused_and_not_printed():
    with pytest.raises(EvaluationError, match="has no user and no password") as caught:
        Client("http://me:secret@127.0.0.1:1/v1", "small", timeout_s=1)
    assert "secret" not in str(caught.value)


def test_a_host_that_has_no_name_is_said_in_a_line():
    with pytest.raises(EvaluationError, match="cannot be asked"):
        Client(f"http://{'a' * 80}.example", None, timeout_s=1)
