"""A web server on this machine that does what a test tells it to, for downloads."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Server:
    """Pages of a local server: `pages` maps a path to what answers there, `asked` is what was asked for.

    An answer is a function of the handler of the request. `asked` holds pairs of path and Range.
    """

    def __init__(self):
        self.pages = {}
        self.asked = []
        self.stopped = threading.Event()
        pages, asked = self.pages, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.path, self.headers.get("Range")))
                pages.get(self.path, failing(404))(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def put(self, path, answer):
        """Set the answer at a path; return its address."""
        self.pages[path] = answer
        return self.url(path)

    def stop(self):
        self.stopped.set()
        self.http.shutdown()
        self.http.server_close()

    def stalling(self, content, at):
        """Answer with the first `at` bytes, and then nothing for as long as the test runs."""

        def answer(handler):
            send(handler, 200, content[:at], length=len(content))
            handler.wfile.flush()
            self.stopped.wait(20)

        return answer


def send(handler, status, content, length=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length != "none":
        handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


def failing(status):
    """Answer with an error."""
    return lambda handler: send(handler, status, b"<html>an error</html>")


def whole(content, **options):
    """Answer with all of it, whatever part is asked for."""
    return lambda handler: send(handler, 200, content, **options)


def ranged(content, most=None):
    """Answer as a good server does, also with a part; break off after `most` bytes of each answer."""

    def answer(handler):
        found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if found is None:
            return send(handler, 200, content[:most], length=len(content))
        start = int(found[1])
        if start >= len(content):
            return send(handler, 416, b"", Content_Range=f"bytes */{len(content)}")
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        return send(handler, 206, rest[:most], length=len(rest), Content_Range=span)

    return answer


@pytest.fixture
def server(monkeypatch):
    # A proxy of the machine's would be asked for this address too.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.stop()
