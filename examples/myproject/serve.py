"""Serve the site over HTTP, one thread a request, until it is told to stop.

    python serve.py --port 8000

For looking at the example; a real deployment uses gunicorn, uWSGI or the like.
"""

import argparse
import contextlib
import signal
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from myproject.wsgi import application


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """The standard library's WSGI server with a thread for each connection."""

    daemon_threads = True


class RequestHandler(WSGIRequestHandler):
    """Logs requests to stdout, and never looks up the visitor's host name."""

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:
        print(self.log_date_time_string(), format % args, flush=True)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C. The first line printed is the address; port 0 takes a free one."""
    parser = argparse.ArgumentParser(description="Serve the example site.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with make_server(
        options.host,
        options.port,
        application,
        server_class=ThreadingWSGIServer,
        handler_class=RequestHandler,
    ) as server:
        print(f"Serving on http://{options.host}:{server.server_port}/", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main()
