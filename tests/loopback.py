"""A real server on the loopback that can be told to misbehave."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Served:
    """What the server gives, how it behaves, and what it was asked."""

    content: bytes = b""
    honours_ranges: bool = True
    breaks_off_after: int | None = None
    status: int | None = None
    address: str = ""
    ranges: list[str | None] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    served: Served

    def do_GET(self) -> None:
        served = self.served
        asked = self.headers.get("Range")
        served.ranges.append(asked)
        if served.status:
            self.send_error(served.status)
            return
        if not self.path.endswith("/data.zip"):
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.honours_ranges else 0
        if start >= len(served.content) > 0:
            self.send_error(416)
            return
        body = served.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        self.end_headers()
        if served.breaks_off_after is not None:
            body = body[: served.breaks_off_after]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that gives `served.content` at `served.address`/data.zip."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    what = Served()
    handler = type("Handler", (_Handler,), {"served": what})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        what.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield what
        server.shutdown()
        thread.join()
