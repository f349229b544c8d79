"""Servers on loopback: a provider of observations, and a receiver of alerts."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class IntervalOptions:
    """The answers that a server gives, and the requests that it received."""

    def __init__(self):
        self.status, self.body, self.requests, self.url = 200, b"", [], ""


@contextmanager
def serving():
    """A server that answers every request with `status` and `body`, and keeps each as (headers, body)."""
    reported = IntervalOptions()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length", 0))
            reported.requests.append((dict(self.headers), self.rfile.read(length)))
            self.send_response(reported.status)
            self.send_header("Content-Length", str(len(reported.body)))
            self.end_headers()
            self.wfile.write(reported.body)

        do_POST = do_GET  # noqa: N815 - the handler's own name for it

        def log_message(self, *_given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    reported.url = "http://{}:{}".format(*server.server_address)
    try:
        yield reported
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
