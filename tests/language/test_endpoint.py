# SPDX-License-Identifier: Apache-2.0
"""The endpoint against a server of the test's own, well-behaved and not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.settings import settings
from precordia.language import endpoint as endpoint_file
from precordia.language.backend import Message, load_backend
from precordia.language.endpoint import Endpoint
from precordia.language.failures import (
    BackendDownError,
    BackendError,
    BackendRefusedError,
    BackendSlowError,
    RemoteOffError,
    ReplyError,
)

HELLO = [Message(role="system", text="Be short."), Message(role="user", text="Hello")]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def completion(text: str = "Hi", **more: object) -> bytes:
    said = {"choices": [{"message": {"role": "assistant", "content": text}}], **more}
    return json.dumps(said).encode()


class Server:
    """A server that answers by a function of the request, and remembers what it was sent."""

    def __init__(self, answer: Callable[[Server, dict], tuple[int, bytes, dict[str, str]]]) -> None:
        self.seen: list[dict] = []
        self.headers: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length))
                server.seen.append(body)
                server.headers.append(dict(self.headers))
                status, content, headers = answer(server, body)
                if status == 0:
                    self.wfile.write(content)
                    return
                self.send_response(status)
                for key, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.held = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.held.daemon_threads = True
        threading.Thread(target=self.held.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.held.server_address[1]}/v1"

    def close(self) -> None:
        self.held.shutdown()
        self.held.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(answer: Callable[..., tuple[int, bytes, dict[str, str]]]) -> Server:
        running.append(Server(answer))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_file, "_PAUSE_S", 0.01)


def fixed(status: int, content: bytes, **headers: str) -> Callable[..., tuple]:
    return lambda server, body: (status, content, headers)


def test_a_reply_comes_with_model_tokens_and_time(serve) -> None:
    server = serve(fixed(200, completion("Hi", model="tiny-1", usage={"total_tokens": 12})))
    reply = Endpoint(server.url, "tiny").generate(HELLO, max_tokens=7, seed=3)
    assert (reply.text, reply.model, reply.n_tokens) == ("Hi", "tiny-1", 12.0)
    assert reply.seconds > 0
    sent = server.seen[0]
    assert sent["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Hello"},
    ]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["seed"]) == (
        "tiny", 7, 0.0, 3,
    )  # fmt: skip


def test_the_schema_is_asked_for_and_given_up_where_the_server_refuses_it(serve) -> None:
    def picky(server: Server, body: dict) -> tuple[int, bytes, dict]:
        if "response_format" in body:
            return 400, b'{"error": {"message": "response_format is not supported"}}', {}
        return 200, completion("{}"), {}

    server = serve(picky)
    backend = Endpoint(server.url, "tiny")
    assert backend.generate(HELLO, schema=SCHEMA).text == "{}"
    kinds = [b.get("response_format", {}).get("type") for b in server.seen]
    assert kinds == ["json_schema", "json_object", None]
    assert server.seen[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    backend.generate(HELLO, schema=SCHEMA)
    assert len(server.seen) == 4, "the way that the server understands is remembered"


def test_newer_servers_get_the_length_by_its_new_name(serve) -> None:
    def newer(server: Server, body: dict) -> tuple[int, bytes, dict]:
        if "max_tokens" in body:
            return 400, b'{"error": {"message": "use max_completion_tokens instead"}}', {}
        return 200, completion(), {}

    server = serve(newer)
    Endpoint(server.url, "tiny").generate(HELLO, max_tokens=9)
    assert server.seen[-1]["max_completion_tokens"] == 9


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(serve, status: int) -> None:
    def busy(server: Server, body: dict) -> tuple[int, bytes, dict]:
        if len(server.seen) < 3:
            return status, b"busy", {}
        return 200, completion("at last"), {}

    assert Endpoint(serve(busy).url, "tiny").generate(HELLO).text == "at last"


@pytest.mark.parametrize(
    ("status", "word"),
    [(401, "key"), (403, "access"), (404, "model"), (429, "later"), (500, "fail")],
)
def test_a_refusal_is_a_sentence_with_its_status(serve, status: int, word: str) -> None:
    server = serve(fixed(status, b'{"error": {"message": "because"}}'))
    with pytest.raises(BackendRefusedError) as caught:
        Endpoint(server.url, "tiny").generate(HELLO)
    assert str(status) in str(caught.value)
    assert word in str(caught.value)
    assert "because" in str(caught.value)
    assert len(server.seen) == (3 if status in (429, 500) else 1)


@pytest.mark.parametrize(
    "content",
    [
        b"<html>nginx</html>",
        b"",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": "no"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_no_chat_completion_is_a_sentence(serve, content: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        Endpoint(serve(fixed(200, content)).url, "tiny").generate(HELLO)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 500


def test_a_reply_that_is_too_long_is_not_held(serve) -> None:
    server = serve(fixed(200, completion("x" * 200_000)))
    with pytest.raises(ReplyError, match="more than 10,000 bytes"):
        Endpoint(server.url, "tiny", most_bytes=10_000).generate(HELLO)


def test_a_slow_server_ends_in_time_even_where_it_drips(serve) -> None:
    def drip(server: Server, body: dict) -> tuple[int, bytes, dict]:
        time.sleep(3)
        return 200, completion(), {}

    begun = time.monotonic()
    with pytest.raises(BackendSlowError, match=r"0\.3 s"):
        Endpoint(serve(drip).url, "tiny", timeout_s=0.3).generate(HELLO)
    assert time.monotonic() - begun < 2


def test_a_server_that_sends_a_byte_now_and_then_holds_nobody() -> None:
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        held, _ = listener.accept()
        with held:
            held.recv(65536)
            try:
                held.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in range(60):
                    held.sendall(b" ")
                    time.sleep(0.05)
            except OSError:
                pass

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()
    with listener, pytest.raises(BackendSlowError):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        Endpoint(url, "tiny", timeout_s=0.4).generate(HELLO)
    assert time.monotonic() - begun < 2


def test_nobody_at_home_is_a_sentence_with_the_address() -> None:
    with pytest.raises(BackendDownError, match="nobody answers at http://localhost:9/v1"):
        Endpoint("http://localhost:9/v1", "tiny").generate(HELLO)


def test_a_broken_answer_is_a_sentence(serve) -> None:
    with pytest.raises(BackendDownError, match="broke off or is no HTTP"):
        Endpoint(serve(fixed(0, b"not http at all\r\n\r\n")).url, "tiny").generate(HELLO)
    half = fixed(200, b'{"choices', **{"Content-Length": "5000"})
    with pytest.raises(BackendDownError):
        Endpoint(serve(half).url, "tiny").generate(HELLO)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_is_not_followed(serve, status: int) -> None:
    other = serve(fixed(200, completion("caught")))
    server = serve(fixed(status, b"", Location=f"{other.url}/chat/completions"))
    with pytest.raises(BackendRefusedError, match="redirects elsewhere"):
        Endpoint(server.url, "tiny").generate(HELLO)
    assert not other.seen


def test_a_redirect_on_the_same_server_is_followed_but_not_for_ever(serve) -> None:
    def moved(server: Server, body: dict) -> tuple[int, bytes, dict]:
        if len(server.seen) == 1:
            return 308, b"", {"Location": "/v2/chat/completions"}
        return 200, completion("moved"), {}

    assert Endpoint(serve(moved).url, "tiny").generate(HELLO).text == "moved"
    circle = fixed(307, b"", Location="/v1/chat/completions")
    with pytest.raises(BackendRefusedError, match="again and again"):
        Endpoint(serve(circle).url, "tiny").generate(HELLO)


def test_the_key_goes_into_the_header_and_nowhere_else(serve, monkeypatch, tmp_path) -> None:
    secret = "sk-very-secret-4711"
    monkeypatch.setenv("PRECORDIA_API_KEY", secret)

    def echo(server: Server, body: dict) -> tuple[int, bytes, dict]:
        if len(server.seen) == 1:
            return 200, completion("Hi"), {}
        said = json.dumps({"error": {"message": f"wrong key {server.headers[-1]}"}})
        return 401, said.encode(), {}

    server = serve(echo)
    backend = Endpoint(server.url, "tiny", cache=tmp_path / "replies")
    backend.generate(HELLO)
    assert server.headers[0]["Authorization"] == f"Bearer {secret}"
    with pytest.raises(BackendError) as caught:
        backend.generate(HELLO, seed=1)
    written = "".join(p.read_text() for p in (tmp_path / "replies").iterdir())
    for shown in (str(caught.value), repr(backend), str(vars(backend)), written, str(server.seen)):
        assert secret not in shown


def test_other_machines_are_off_until_switched_on(monkeypatch) -> None:
    for url in (
        "https://api.example.org/v1", "http://192.168.1.5/v1", "http://localhost.example.org/v1",
        "http://127.0.0.1.example.org/v1", "http://10.0.0.1:8080/v1", "http://0.0.0.0/v1",
    ):  # fmt: skip
        with pytest.raises(RemoteOffError, match=r"another machine.*--remote"):
            Endpoint(url, "tiny")
        with pytest.raises(RemoteOffError):
            Endpoint(url, "tiny", remote=False)
    assert Endpoint("https://api.example.org/v1", "tiny", remote=True).model == "tiny"
    with pytest.raises(RemoteOffError, match="without encryption"):
        Endpoint("http://api.example.org/v1", "tiny", remote=True)
    Endpoint("http://api.example.org/v1", "tiny", remote=True, unencrypted=True)
    try:
        monkeypatch.setenv("PRECORDIA_REMOTE", "1")
        settings.cache_clear()
        Endpoint("https://api.example.org/v1", "tiny")
        monkeypatch.setenv("PRECORDIA_OFFLINE", "1")
        settings.cache_clear()
        with pytest.raises(RemoteOffError, match="PRECORDIA_OFFLINE"):
            Endpoint("https://api.example.org/v1", "tiny", remote=True)
        Endpoint("http://localhost:8080/v1", "tiny")
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_localhost_that_leads_elsewhere_is_sent_nothing(serve, monkeypatch) -> None:
    server = serve(fixed(200, completion()))
    monkeypatch.setattr("precordia.language.post.is_loopback", lambda host: False)
    with pytest.raises(RemoteOffError, match="Nothing was sent"):
        Endpoint(server.url, "tiny").generate(HELLO)
    assert not server.seen


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8080", "file:///etc/passwd", "ftp://localhost/", "http://", "http://a b/",
     "http://user:key@localhost/v1", "http://localhost:99999/v1", "http://localhost/v1?key=1",
     "http://[::1/v1", "http://localhost/\r\nX: y", 7],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: object) -> None:
    with pytest.raises(OptionError):
        Endpoint(url, "tiny")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"model": ""}, {"model": 3}, {"timeout_s": 0}, {"timeout_s": float("nan")}, {"attempts": 0},
     {"most_bytes": -1}, {"key_variable": "sk-123"}, {"remote": "yes"}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(OptionError):
        Endpoint("http://localhost/v1", **{"model": "tiny", **options})


def test_replies_are_kept_where_that_was_asked_for(serve, tmp_path) -> None:
    server = serve(fixed(200, completion("kept")))
    for _ in range(2):
        assert Endpoint(server.url, "tiny", cache=tmp_path).generate(HELLO).text == "kept"
    assert len(server.seen) == 1
    for file in tmp_path.iterdir():
        assert "Hello" not in file.read_text()
        file.write_text("{broken")
    Endpoint(server.url, "tiny", cache=tmp_path).generate(HELLO)
    assert len(server.seen) == 2


def test_the_table_names_the_nearest_backend_and_option() -> None:
    with pytest.raises(UnknownNameError, match="base_url"):
        load_backend("endpoint", base_ur="http://localhost/v1", model="tiny")
    with pytest.raises(OptionError, match="needs base_url and model"):
        load_backend("endpoint")
    with pytest.raises(BackendError, match="no language model was chosen"):
        load_backend("none").generate(HELLO)
