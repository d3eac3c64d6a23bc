"""A server on this machine that answers as OpenAI's does, as a test tells it to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model:
    """What the server is told: `answer` gets a request's path and body, and returns a body.

    It may return a status with it, or text that is no JSON. What is asked for as a stream comes in
    pieces, unless it is not to `stream`. Bytes, one after another, are all that is sent.
    """

    def __init__(self):
        self.stream = True
        self.requests = []
        self.headers = []
        self.answer = lambda _path, body: completion(f"answer to {body['prompt']}")

    def handle(self, path, body, headers):
        self.requests.append((path, body))
        self.headers.append(headers)
        if path == "/v1/models":
            return {"data": [{"id": "small"}, {"id": "large"}]}
        return self.answer(path, body)


def completion(text, reason="stop"):
    return {"choices": [{"text": text, "finish_reason": reason}]}


def events(answer):
    """Yield what a stream has of an answer: its text in two pieces, then why it ended."""
    if not isinstance(answer, dict) or "choices" not in answer:
        yield answer if isinstance(answer, str) else json.dumps(answer)
        return
    [choice] = answer["choices"]
    half = len(choice["text"]) // 2
    for text in (choice["text"][:half], choice["text"][half:]):
        yield json.dumps({"choices": [{"text": text, "finish_reason": None}]})
    yield json.dumps({"choices": [{"text": "", "finish_reason": choice["finish_reason"]}]})
    yield "[DONE]"


@contextmanager
def served():
    """Give the address of a running server, and what it is told."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._reply(None)

        def do_POST(self):
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body):
            answer = model.handle(self.path, body, dict(self.headers))
            if isinstance(answer, Iterator):
                for piece in answer:
                    self.wfile.write(piece)
                return
            status, answer = answer if isinstance(answer, tuple) else (200, answer)
            if model.stream and status == 200 and (body or {}).get("stream"):
                self._stream(events(answer))
                return
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _stream(self, lines):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.end_headers()
            for line in lines:
                self.wfile.write(f"data: {line}\n\n".encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
