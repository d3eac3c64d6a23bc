"""A client of servers that answer as OpenAI's do: completions of a text, or of a chat."""

import http.client
import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rsidx.errors import EvaluationError
from rsidx.evaluation.prompts import RowPrompt

_MAX_ANSWER_BYTES = 16 << 20
_MAX_SAID_CHARS = 300
_TOO_LONG = ("context", "too long", "maximum length", "max_model_len", "exceed")
_KEY_VARIABLE = "OPENAI_API_KEY"


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
        self, prompt: RowPrompt, sampling: Sampling, stop: str, sample: int = 0
    ) -> Completion:
        """Return the model's answer to a prompt.

        Raises PromptRefusedError for a prompt that is too long, EvaluationError for anything else
        that the server refuses or answers.
        """
        asked: dict[str, Any] = {
            "model": self.model,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed + sample,
            "stop": [stop],
        }
        if prompt.messages:
            answer = self._ask("chat/completions", asked | {"messages": list(prompt.messages)})
        else:
            answer = self._ask("completions", asked | {"prompt": prompt.text})
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"] if prompt.messages else choice["text"]
            return Completion(str(text or ""), str(choice.get("finish_reason") or "stop"))
        except (LookupError, TypeError, AttributeError) as error:
            raise EvaluationError(f"{self._base} gave an answer without a completion") from error

    def _first_model(self) -> str:
        answer = self._ask("models", None)
        try:
            return str(answer["data"][0]["id"])
        except (LookupError, TypeError) as error:
            raise EvaluationError(f"{self._base} lists no model; name one with --model") from error

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        key = os.environ.get(_KEY_VARIABLE)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self._base}/{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                return json.loads(answer.read(_MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            raise self._refusal(path, error) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise EvaluationError(f"{self._base} cannot be asked: {reason}") from error
        except ValueError as error:
            raise EvaluationError(f"{self._base}/{path} gave no JSON: {error}") from error

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


def _base_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EvaluationError(f"{url!r} is no address, such as http://127.0.0.1:8000/v1")
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
