"""A client of servers that answer as OpenAI's do: completions of a text, or of a chat."""

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rsidx.errors import EvaluationError
from rsidx.evaluation.prompts import RowPrompt

_MAX_ANSWER_BYTES = 16 << 20
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
        if on_text is None:
            return _completion(self._ask(path, asked), self._base)
        with self._answer(path, asked | {"stream": True}) as answer:
            if "event-stream" not in (answer.headers.get("Content-Type") or ""):
                # A server that does not stream answers as a whole.
                found = _completion(self._read(path, answer), self._base)
                on_text(found.text)
                return found
            return self._streamed(path, answer, on_text)

    def _streamed(self, path: str, answer: Iterable[bytes], on_text: OnText) -> Completion:
        texts, reason = [], "stop"
        try:
            for event in _events(answer):
                if "error" in event:
                    raise EvaluationError(f"{self._base}/{path} failed: {_said(event['error'])}")
                for choice in event.get("choices") or ():
                    text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
                    reason = choice.get("finish_reason") or reason
                    if text:
                        texts.append(text)
                        on_text(text)
        except (OSError, http.client.HTTPException) as error:
            raise EvaluationError(f"{self._base} broke off its answer: {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise EvaluationError(f"{self._base}/{path} streamed no JSON: {error}") from error
        return Completion("".join(texts), str(reason))

    def _first_model(self) -> str:
        answer = self._ask("models", None)
        try:
            return str(answer["data"][0]["id"])
        except (LookupError, TypeError) as error:
            raise EvaluationError(f"{self._base} lists no model; name one with --model") from error

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        with self._answer(path, body) as answer:
            return self._read(path, answer)

    def _read(self, path: str, answer: http.client.HTTPResponse) -> Any:
        try:
            return json.loads(answer.read(_MAX_ANSWER_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        except ValueError as error:
            raise EvaluationError(f"{self._base}/{path} gave no JSON: {error}") from error

    def _answer(self, path: str, body: dict[str, Any] | None) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        key = os.environ.get(_KEY_VARIABLE)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self._base}/{path}", data, headers)
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(
                request, timeout=self._timeout_s
            )
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        return answer

    def _unreachable(self, error: Exception) -> EvaluationError:
        reason = getattr(error, "reason", error)
        return EvaluationError(f"{self._base} cannot be asked: {reason}")

    def _refusal(self, path: str, error: urllib.error.HTTPError) -> Exception:
        said = " ".join(error.read(_MAX_ANSWER_BYTES).decode("utf-8", "replace").split())
        said = said[:_MAX_SAID_CHARS]
        if error.code == 404 and "model" in said.lower() and path != "models":
            return EvaluationError(f"{self._base} has no model {self.model}: {said}")
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
        return Completion(str(text or ""), str(choice.get("finish_reason") or "stop"))
    except (LookupError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{base} gave an answer without a completion") from error


def _events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a stream of server-sent events."""
    n_bytes = 0
    for line in lines:
        n_bytes += len(line)
        data = line.strip().removeprefix(_EVENT).strip()
        if data == _LAST_EVENT or n_bytes > _MAX_ANSWER_BYTES:
            return
        if data and line.startswith(_EVENT):
            yield json.loads(data)


def _said(error: Any) -> str:
    text = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(text).split())[:_MAX_SAID_CHARS]


def _base_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EvaluationError(f"{url!r} is no address, such as http://127.0.0.1:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
