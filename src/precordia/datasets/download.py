# SPDX-License-Identifier: Apache-2.0
"""Fetch one file over HTTP, going on where an earlier attempt broke off."""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from precordia.core.errors import OptionError, OutputError, PrecordiaError
from precordia.core.settings import settings
from precordia.datasets.checksums import digest_of

#: attempts in a row that bring nothing new
ATTEMPTS = 5
_CHUNK = 1 << 20
_TIMEOUT_S = 60
_PARTIAL = ".part"
#: no file of a public database is larger
_MOST_BYTES = 200 << 30
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class _SameKind(urllib.request.HTTPRedirectHandler):
    """Follow redirections to http and https alone, and never from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        check_address(newurl)
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise OutputError(
                f"'{_host(req.full_url)}' redirects to an address without encryption. Fetch the "
                "database by hand."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_address(url: str) -> str:
    """Return the address if it is one of http or https.

    Raises
    ------
    OptionError
        If it is another, or the environment forbids the network.

    Examples
    --------
    >>> check_address("file:///etc/passwd")
    Traceback (most recent call last):
    precordia.core.errors.OptionError: 'file:///etc/passwd' is no address of http or ...
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(
            f"'{url[:80]}' is no address of http or https, which fetching needs. Correct it."
        )
    if settings().offline:
        raise OptionError(
            "PRECORDIA_OFFLINE is set, and fetching needs the network. Unset it, or copy the files "
            "by hand."
        )
    return url


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "the server"


def open_address(url: str, *, begin: int = 0) -> http.client.HTTPResponse:
    """Open an address for reading, from a place on where the server can."""
    from precordia import __version__

    headers = {"User-Agent": f"precordia/{__version__}", "Accept-Encoding": "identity"}
    if begin:
        headers["Range"] = f"bytes={begin}-"
    opener = urllib.request.build_opener(_SameKind)
    request = urllib.request.Request(check_address(url), headers=headers)
    return opener.open(request, timeout=_TIMEOUT_S)


def fetch_text(url: str, *, most_bytes: int) -> str:
    """Fetch a small text, whole: half a list of files would look like a smaller database.

    Raises
    ------
    OutputError
        If it cannot be fetched or is larger than it may be.
    """
    for attempt in range(ATTEMPTS):
        try:
            with open_address(url) as response:
                content = response.read(most_bytes + 1)
                expected = _said_length(response)
        except PrecordiaError:
            raise
        except urllib.error.HTTPError as error:
            if not _may_pass(error):
                _refuse(url, error)
        except (OSError, http.client.HTTPException):
            pass
        else:
            if len(content) > most_bytes:
                raise OutputError(f"'{url}' is larger than such a list can be. Fetch it by hand.")
            if expected is None or len(content) >= expected:
                return content.decode("utf-8", errors="replace")
        _pause(attempt, pause_s=0.5)
    raise OutputError(
        f"'{_host(url)}' broke off or does not answer, {ATTEMPTS} times in a row. Try again later; "
        "nothing was written."
    )


def fetch_file(
    url: str, target: Path, *, digest: str = "", algorithm: str = "sha256", pause_s: float = 0.5
) -> int:
    """Fetch a file, going on with what an earlier attempt left beside it.

    Parameters
    ----------
    url
        Address of http or https.
    target
        Where the file should be. Until it is whole and right it is ``<target>.part``.
    digest, algorithm
        What the file must hold; empty for no check.
    pause_s
        First pause between attempts, s; doubled with each.

    Returns
    -------
    Bytes that were fetched now.

    Raises
    ------
    OutputError
        If the server refuses or does not answer, the disk is full, or the file is another than
        the list of checksums says, twice.
    """
    part = target.with_name(target.name + _PARTIAL)
    fetched = 0
    for last in (False, True):
        fetched += _complete(url, part, pause_s)
        if not digest or digest_of(part, algorithm) == digest.lower():
            os.replace(part, target)  # noqa: PTH105 - one step, whatever was there
            return fetched
        part.unlink()
        if last:
            break
    raise OutputError(
        f"'{target.name}' from {_host(url)} is not what its checksum says, after two attempts. The "
        "file there is damaged or the list is of another version; nothing was kept."
    )


def _complete(url: str, part: Path, pause_s: float) -> int:
    """Bring the partial file to its full length; return how many bytes came."""
    fetched = failures = 0
    while True:
        begin = part.stat().st_size if part.exists() else 0
        try:
            done = _more(url, part, begin)
        except PrecordiaError:
            raise
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and begin:
                return fetched  # it is all here already, or the checksum will say that it is not
            if not _may_pass(error):
                _refuse(url, error)
            done = False
        except (http.client.HTTPException, ConnectionError, TimeoutError, urllib.error.URLError):
            done = False
        except OSError as error:
            raise OutputError(
                f"'{part.name}' cannot be written ({error.strerror or error}). Free the disk or "
                "choose another folder; what is there is kept."
            ) from error
        came = (part.stat().st_size if part.exists() else 0) - begin
        fetched += max(came, 0)
        if done:
            return fetched
        failures = 0 if came > 0 else failures + 1
        if failures >= ATTEMPTS:
            raise OutputError(
                f"'{_host(url)}' broke off or does not answer, {ATTEMPTS} times in a row. What came"
                " is kept: start again later and it goes on from there."
            )
        _pause(failures, pause_s=pause_s)


def _more(url: str, part: Path, begin: int) -> bool:
    """Append what the server sends; tell whether that was all."""
    with open_address(url, begin=begin) as response:
        if begin and response.status == http.HTTPStatus.PARTIAL_CONTENT:
            said = _RANGE.match(response.headers.get("Content-Range", ""))
            if said is None or int(said[1]) != begin:
                part.unlink()
                return False
        elif begin:
            begin = 0  # the server began anew
        expected = _said_length(response)
        came = 0
        with part.open("ab" if begin else "wb") as file:
            while chunk := response.read(_CHUNK):
                came += len(chunk)
                if begin + came > _MOST_BYTES:
                    raise OutputError(f"'{_host(url)}' sends without end. Nothing more is fetched.")
                file.write(chunk)
        return expected is None or came >= expected


def _said_length(response: http.client.HTTPResponse) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _may_pass(error: urllib.error.HTTPError) -> bool:
    """Tell whether the server may answer otherwise in a moment."""
    return error.code >= 500 or error.code == http.HTTPStatus.TOO_MANY_REQUESTS


def _refuse(url: str, error: urllib.error.HTTPError) -> None:
    with error:
        raise OutputError(
            f"'{_host(url)}' answers {error.code} for '{url}'. The database has moved or needs an "
            "account; fetch it by hand from the address of its card."
        ) from error


def _pause(failures: int, *, pause_s: float) -> None:
    time.sleep(min(pause_s * 2**failures, 30))
