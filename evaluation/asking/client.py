"""A client of servers that answer as OpenAI's do: completions of a text, or of a chat."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rsidx.errors import EvaluationError
from rsidx.evaluation.asking.prompts import RowPrompt

_MAX_ANSWER_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 16
_MAX_SAID_CHARS = 300
_TOO_LONG = ("context", "too long", "maximum length", "max_model_len", "exceed")
_KEY_VARIABLE = "OPENAI_API_KEY"
_EVENT = b"data:"
_LAST_EVENT = b"[DONE]"
OnText = Callable[[str], None]
"""Is called with each piece of an answer as it comes."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn: `n_samples` for each row, of at most `max_tokens`.

    A temperature of 0 takes the likeliest token each time. Each sample has a seed of its own.
    """

    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    n_samples: int = 1


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer, and why it ended: `stop`, `length` and others of the server's."""

    text: str
    finish_reason: str


class PromptRefusedError(Exception):
    """The server takes other prompts, but not this one, which is too long for it."""


class Client:
    """Asks one model of one server.

    The address may end in `/v1`, or not. A key for the server is taken from OPENAI_API_KEY.
    """

    def __init__(self, url: str, model: str | None, *, timeout_s: float) -> None:
        self._base = _base_of(url)
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(_NoRedirects)
        self.model = model or self._first_model()

    def complete(
        self,
        prompt: RowPrompt,
        sampling: Sampling,
        stop: Sequence[str],
        sample: int = 0,
        on_text: OnText | None = None,
    ) -> Completion:
        """Return the model's answer to a prompt; with `on_text` it is streamed.

        Raises PromptRefusedError for a prompt that is too long, EvaluationError for anything else
        that the server refuses or answers.
        """
        asked: dict[str, Any] = {
            "model": self.model,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed + sample,
            "stop": list(stop),
        }
        path = "completions"
        if prompt.messages:
            path = "chat/completions"
            asked["messages"] = list(prompt.messages)
        else:
            asked["prompt"] = prompt.text
        ends = time.monotonic() + self._timeout_s
        if on_text is None:
            return _completion(self._ask(path, asked), self._base)
        with self._answer(path, asked | {"stream": True}) as answer:
            if "event-stream" not in (answer.headers.get("Content-Type") or ""):
                # A server that does not stream answers as a whole.
                found = _completion(self._read(path, answer, ends), self._base)
                on_text(found.text)
                return found
            return self._streamed(path, answer, ends, on_text)

    def tokens(self, text: str, *, adds_beginning: bool) -> list[int]:
        """Return the ids that the server makes of a text in which control tokens are spelled out.

        With `adds_beginning` it adds what a text begins with, as to a prompt. The request is
        one that llama.cpp's server and vLLM both read. Raises EvaluationError for any other.
        """
        body = {
            "model": self.model,
            "content": text,
            "prompt": text,
            "add_special": adds_beginning,
            "add_special_tokens": adds_beginning,
            "parse_special": True,
        }
        found = self._ask("tokenize", body, base=self._base.removesuffix("/v1"))
        ids = found.get("tokens") if isinstance(found, dict) else None
        if not isinstance(ids, list) or not all(type(one) is int for one in ids):
            raise EvaluationError(f"{self._base} gave no list of tokens")
        return ids

    def _streamed(
        self, path: str, answer: http.client.HTTPResponse, ends: float, on_text: OnText
    ) -> Completion:
        texts, reason = [], ""
        for data in _events(self._blocks(answer, ends)):
            text, ended = self._piece(path, data)
            reason = reason or ended
            if text:
                texts.append(text)
                on_text(text)
        if not reason:
            # What came so far may parse, and is not what the model wrote.
            raise EvaluationError(f"{self._base} broke off its answer")
        return Completion("".join(texts), reason)

    def _piece(self, path: str, data: bytes) -> tuple[str, str]:
        """Return the text that an event of a stream brings, and why it is the last, if it is."""
        if data == _LAST_EVENT:
            return "", "stop"
        try:
            event = json.loads(data)
            if event.get("error"):
                raise EvaluationError(f"{self._base}/{path} failed: {_said(event['error'])}")
            choices = event.get("choices") or ()
            texts = (c.get("text") or (c.get("delta") or {}).get("content") or "" for c in choices)
            reasons = (str(c["finish_reason"]) for c in choices if c.get("finish_reason"))
            return "".join(texts), next(reasons, "")
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise EvaluationError(f"{self._base}/{path} streamed no completion: {error}") from error

    def _first_model(self) -> str:
        answer = self._ask("models", None)
        try:
            return str(answer["data"][0]["id"])
        except (LookupError, TypeError) as error:
            raise EvaluationError(f"{self._base} lists no model; name one with --model") from error

    def _ask(self, path: str, body: dict[str, Any] | None, base: str | None = None) -> Any:
        ends = time.monotonic() + self._timeout_s
        with self._answer(path, body, base) as answer:
            return self._read(path, answer, ends)

    def _read(self, path: str, answer: http.client.HTTPResponse, ends: float) -> Any:
        try:
            return json.loads(b"".join(self._blocks(answer, ends)))
        except (ValueError, RecursionError) as error:
            raise EvaluationError(f"{self._base}/{path} gave no JSON: {error}") from error

    def _blocks(self, answer: http.client.HTTPResponse, ends: float) -> Iterator[bytes]:
        """Yield an answer as it comes; the socket's own timeout is for each block alone."""
        n_bytes = 0
        try:
            while block := answer.read1(_BLOCK_BYTES):
                n_bytes += len(block)
                if n_bytes > _MAX_ANSWER_BYTES:
                    raise EvaluationError(f"{self._base} gives an answer without an end")
                if time.monotonic() > ends:
                    raise TimeoutError(f"it takes more than {self._timeout_s:g} seconds")
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise EvaluationError(f"{self._base} broke off its answer: {error}") from error

    def _answer(
        self, path: str, body: dict[str, Any] | None, base: str | None = None
    ) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", "Accept": "application/json"} | _key()
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{base or self._base}/{path}", data, headers)
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._unreachable(error) from error
        return answer

    def _unreachable(self, error: Exception) -> EvaluationError:
        reason = getattr(error, "reason", error)
        return EvaluationError(f"{self._base} cannot be asked: {reason}")

    def _refusal(self, path: str, error: urllib.error.HTTPError) -> Exception:
        said = ""
        with suppress(OSError, http.client.HTTPException):
            said = _said(error.read(_MAX_ANSWER_BYTES).decode("utf-8", "replace"))
        if 300 <= error.code < 400:
            to = _said(error.headers.get("Location") or "nowhere")
            return EvaluationError(f"{self._base}/{path} sends on to {to}; name the address itself")
        if error.code == 404 and "model" in said.lower() and path != "models":
            return EvaluationError(f"{self._base} has no model {self.model}: {said}")
        if error.code in (404, 405) and path == "tokenize":
            return EvaluationError(
                f"{self._base} does not say how it tokenizes: it has no /tokenize, as llama-server "
                "and vLLM have"
            )
        if error.code in (404, 405):
            return EvaluationError(
                f"{self._base} has no {path}; name the address that ends where /{path} begins"
            )
        if error.code in (400, 413, 422) and any(word in said.lower() for word in _TOO_LONG):
            return PromptRefusedError(said)
        return EvaluationError(f"{self._base}/{path} refused with status {error.code}: {said}")


def _completion(answer: Any, base: str) -> Completion:
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        return Completion("".join((text or "",)), str(choice.get("finish_reason") or "stop"))
    except (LookupError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{base} gave an answer without a completion") from error


def _events(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data of a stream of server-sent events, up to the last one."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            data = line.removeprefix(_EVENT).strip()
            if data and line.startswith(_EVENT):
                yield data
            if data == _LAST_EVENT:
                return


def _said(error: Any) -> str:
    text = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(text).split())[:_MAX_SAID_CHARS]


def _key() -> dict[str, str]:
    """Return the header with the key, if there is one."""
    key = os.environ.get(_KEY_VARIABLE, "")
    if not (key.isascii() and key.isprintable()):
        raise EvaluationError(f"{_KEY_VARIABLE} has what no key has, such as a line break")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _base_of(url: str) -> str:
    if "@" in url:
        raise EvaluationError(
            f"an address has no user and no password; a key is taken from {_KEY_VARIABLE}"
        )
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine = False
    if not (is_fine and url.isascii() and url.isprintable()) or {*url} & {*" ?#"}:
        raise EvaluationError(f"{url!r} is no address, such as http://127.0.0.1:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: the key and the code are for the address that was given alone."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request to make instead."""
