# SPDX-License-Identifier: Apache-2.0
"""Send one JSON text and take one answer, within a time and a size, from one host alone."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
from dataclasses import replace

from precordia.language.address import Address, is_loopback, parse_address
from precordia.language.chat_reply import Answered
from precordia.language.failures import (
    BackendDownError,
    BackendRefusedError,
    BackendSlowError,
    RemoteOffError,
    ReplyError,
)

_CHUNK = 1 << 16
_MOST_REDIRECTS = 2
#: redirects that keep what was sent
_REDIRECTS = (301, 302, 303, 307, 308)
_KEEPING = (307, 308)


def post_json(
    address: Address,
    content: bytes,
    *,
    key: str = "",
    timeout_s: float,
    most_bytes: int,
    whole_s: float | None = None,
) -> Answered:
    """Send a JSON text and take the answer.

    Parameters
    ----------
    address
        Where to.
    content
        What is sent.
    key
        Sent as a bearer token; empty for none.
    timeout_s
        Whole time until the last byte of the answer, s.
    most_bytes
        A longer answer is refused, and not held.
    whole_s
        The time that the error names.

    Returns
    -------
    Status and content of the answer, whatever the status.

    Raises
    ------
    BackendDownError
        If nobody answers, or the answer breaks off.
    BackendSlowError
        If the time is over.
    ReplyError
        If the answer is too long.
    BackendRefusedError
        If the answer is a redirect elsewhere.
    RemoteOffError
        If a name of this machine leads to another one.

    Notes
    -----
    A timeout of a socket begins anew with each byte. A watch ends the connection when the whole
    time is over, so that a server that sends a byte now and then holds nobody.
    """
    deadline = time.monotonic() + timeout_s
    for _ in range(_MOST_REDIRECTS + 1):
        answered, location = _once(address, content, key, deadline, most_bytes, whole_s)
        if answered.status not in _REDIRECTS:
            return answered
        address = _redirected(address, answered.status, location)
    raise BackendRefusedError(
        f"'{address.host}' redirects again and again. Give the address that it should lead to."
    )


def _once(
    address: Address,
    content: bytes,
    key: str,
    deadline: float,
    most_bytes: int,
    whole_s: float | None,
) -> tuple[Answered, str]:
    left = max(0.001, deadline - time.monotonic())
    connection = _connection(address, left)
    over = threading.Event()
    try:
        connection.connect()
        held = connection.sock
        _check_peer(address, held)

        def end() -> None:
            over.set()
            with contextlib.suppress(OSError, ValueError):
                held.shutdown(socket.SHUT_RDWR)

        watch = threading.Timer(max(0.001, deadline - time.monotonic()), end)
        watch.daemon = True
        watch.start()
        try:
            return _exchange(connection, address, content, key, most_bytes)
        finally:
            watch.cancel()
    except TimeoutError as error:
        raise _slow(address, whole_s or left) from error
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        if isinstance(error, (ReplyError, RemoteOffError, BackendRefusedError)):
            raise
        if over.is_set():
            raise _slow(address, whole_s or left) from error
        raise _down(address, error) from error
    finally:
        connection.close()


def _connection(address: Address, timeout_s: float) -> http.client.HTTPConnection:
    if address.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            address.host, address.port, timeout=timeout_s, context=context
        )
    return http.client.HTTPConnection(address.host, address.port, timeout=timeout_s)


def _check_peer(address: Address, held: socket.socket) -> None:
    """Refuse a name of this machine that leads elsewhere, before anything is sent."""
    peer = str(held.getpeername()[0]).partition("%")[0]
    if address.local and not is_loopback(peer):
        raise RemoteOffError(
            f"'{address.host}' leads to {peer} here, which is another machine. Nothing was sent."
        )


def _exchange(
    connection: http.client.HTTPConnection,
    address: Address,
    content: bytes,
    key: str,
    most_bytes: int,
) -> tuple[Answered, str]:
    from precordia import __version__

    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"precordia/{__version__}",
        "Connection": "close",
    }
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection.request("POST", address.path, body=content, headers=headers)
    response = connection.getresponse()
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_CHUNK):
        size += len(part)
        if size > most_bytes:
            raise ReplyError(
                f"'{address.host}' sends more than {most_bytes:,} bytes, which no reply needs. It "
                "was not read to its end."
            )
        parts.append(part)
    if response.length:  # less came than was announced
        raise http.client.IncompleteRead(b"", response.length)
    told = response.headers.get("Retry-After", "")
    after = float(told) if told.isascii() and told.isdigit() and len(told) < 6 else None
    came = b"".join(parts)
    if key:  # a server that repeats what it was sent must not bring the key into an error
        came = came.replace(key.encode(), b"...")
    answered = Answered(status=response.status, content=came, retry_after=after)
    return answered, response.headers.get("Location", "")


def _redirected(address: Address, status: int, location: str) -> Address:
    """Return where a redirect leads, if that is the same place."""
    if status in _KEEPING and location:
        target = urllib.parse.urlsplit(urllib.parse.urljoin(str(address), location))
        try:
            there = parse_address(target._replace(path="", query="", fragment="").geturl())
        except ValueError:
            there = None
        if there is not None:
            there = replace(there, path=target.path or "/")
            if (there.scheme, there.host, there.port) == (
                address.scheme,
                address.host,
                address.port,
            ):
                return there
    raise BackendRefusedError(
        f"'{address.host}' redirects elsewhere, which is not followed: questions and facts stay "
        "with the address that was given. Give the address that it leads to, if you trust it."
    )


def _slow(address: Address, seconds: float) -> BackendSlowError:
    return BackendSlowError(
        f"'{address.host}' did not answer within {seconds:g} s. Give it more time (timeout_s=), or "
        "a smaller model."
    )


def _down(address: Address, error: Exception) -> BackendDownError:
    if isinstance(error, ssl.SSLError):
        return BackendDownError(
            f"'{address.host}' cannot prove who it is, or speaks no TLS. Check the address."
        )
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return BackendDownError(
            f"nobody answers at {address}. Check the address, and that the server runs."
        )
    return BackendDownError(
        f"the answer of '{address.host}' broke off or is no HTTP. Check the address and the log of "
        "the server."
    )
