"""A hub of tokenizers on this machine."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """A hub of tokenizers on this machine, as `HF_ENDPOINT` names it; it writes down who asks."""

    def __init__(self, address, home):
        self.asked = []
        self.files = {}
        self.environment = {"HF_ENDPOINT": address, "HF_HOME": str(home)}

    def answer(self, request, *, has_body):
        self.asked.append(request.path)
        content = self.files.get(request.path)
        request.send_response(404 if content is None else 200)
        request.send_header("Content-Length", str(len(content or b"")))
        # What is cached is named by it.
        digest = hashlib.sha256(content or b"").hexdigest()
        request.send_header("ETag", f'"{digest}"')
        request.send_header("X-Repo-Commit", "0" * 40)
        request.end_headers()
        if has_body:
            request.wfile.write(content or b"")


@contextmanager
def serve(home):
    """Yield a hub that answers while the block runs; what is taken from it is kept in `home`."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            made.answer(self, has_body=False)

        def do_GET(self):
            made.answer(self, has_body=True)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Hub(f"http://127.0.0.1:{server.server_port}", home)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
