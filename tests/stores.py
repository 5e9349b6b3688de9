"""A real S3 server on this machine, and a proxy in front of it that can fail in many ways."""

import http.client
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
KEY, SECRET = "AKIATESTSOMEKEYOFOURS", "a/secret+that/nobody-may-see"


class Proxy(http.server.ThreadingHTTPServer):
    """Hands requests on, but for what `fault` does to them.

    Attributes
    ----------
    fault : callable
        Of method, path and range of a request; returns None, "drop", "short", "shifted",
        "whole", "flipped", a status, or seconds to wait.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port):
        self.port, self.fault, self.seen = port, lambda *request: None, []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a connection that was dropped on purpose


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def _hand_on(self):
        body = self._body()
        asked = self.headers.get("Range")
        self.server.seen.append((self.command, self.path, asked))
        fault = self.server.fault(self.command, self.path, asked)
        if fault == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if isinstance(fault, float):
            time.sleep(fault)
        if isinstance(fault, int):
            self._answer(fault, [], b"")
            return
        status, headers, content = self._asked(body, dict(self.headers), fault, asked)
        self._answer(status, headers, content)

    def _body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _asked(self, body, headers, fault, asked):
        if fault in ("shifted", "whole") and asked:
            begin, end = map(int, asked.removeprefix("bytes=").split("-"))
            shifted = f"bytes={begin + 7}-{end + 7}"
            headers = {k: v for k, v in headers.items() if k.lower() != "range"}
            headers |= {"Range": shifted} if fault == "shifted" else {}
        inner = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        headers = {k: v for k, v in headers.items() if k.lower() not in (*_HOP, "expect")}
        inner.request(self.command, self.path, body, headers)
        answer = inner.getresponse()
        content = answer.read()
        if fault == "short" and asked:
            content = content[:-5]
        if fault == "flipped" and asked and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        found = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
        if self.command == "HEAD":
            found.append(("Content-Length", answer.getheader("Content-Length", "0")))
        inner.close()
        return answer.status, found, content

    def _answer(self, status, headers, content):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        elif not headers:
            self.send_header("Content-Length", "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on  # noqa: N815


class Store:
    """A bucket of its own, and what tests do with it behind tokpipe's back."""

    def __init__(self, proxy, environment):
        self.proxy, self.environment = proxy, environment
        self.bucket = f"b{uuid.uuid4().hex[:12]}"
        self._ask("PUT", "")

    def __str__(self):
        return f"s3://{self.bucket}"

    def _ask(self, method, key, body=None):
        inner = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
        signature = f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/s3/aws4_request"
        inner.request(method, f"/{self.bucket}/{key}", body, {"Authorization": signature})
        answer = inner.getresponse()
        return answer.status, answer.read()

    def put(self, key, content):
        assert self._ask("PUT", quote(key), content)[0] == 200

    def put_folder(self, folder, key):
        for path in Path(folder).rglob("*"):
            if path.is_file():
                self.put(f"{key}/{path.relative_to(folder)}", path.read_bytes())

    def get(self, key):
        status, content = self._ask("GET", quote(key))
        return content if status == 200 else None

    def remove(self, key):
        self._ask("DELETE", quote(key))

    def listed(self):
        text = self._ask("GET", "?list-type=2&max-keys=1000")[1]
        parts = text.decode().split("<Key>")[1:]
        found = sorted(unescape(part.partition("</Key>")[0]) for part in parts)
        return [key for key in found if not key.endswith("/")]  # marks of folders, by pyarrow

    def contents(self, key):
        return {k.removeprefix(f"{key}/"): self.get(k) for k in self.listed() if k.startswith(key)}


@pytest.fixture(scope="session")
def store_server(tmp_path_factory):
    """Return the port of moto's server, which speaks S3 over HTTP."""
    if find_spec("moto") is None or find_spec("flask") is None:
        pytest.skip("moto's server is missing: pip install 'tokpipe[stores]'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path_factory.mktemp("moto") / "log").open("wb") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def store(store_server, tmp_path, monkeypatch):
    """Return an empty bucket behind a proxy that does what it should, for now."""
    proxy = Proxy(store_server)
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "2",
        "AWS_EC2_METADATA_DISABLED": "true",
        "TOKPIPE_STORE_DIR": str(tmp_path / "local copies"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield Store(proxy, environment)
    proxy.shutdown()
    proxy.server_close()


def free_of_secrets(text):
    return (
        SECRET not in text and KEY not in text and os.environ["AWS_SECRET_ACCESS_KEY"] not in text
    )
