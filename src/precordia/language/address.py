# SPDX-License-Identifier: Apache-2.0
"""Where an endpoint is: on this machine, or on another that nothing is sent to unasked."""

from __future__ import annotations

import ipaddress
import urllib.parse
from dataclasses import dataclass

from precordia.core.errors import OptionError
from precordia.core.settings import settings
from precordia.language.failures import RemoteOffError

_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address that a request needs.

    Attributes
    ----------
    scheme, host, port
        Where to.
    path
        Of the chat completions.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def local(self) -> bool:
        """Whether it is this machine: ``localhost``, or a loopback address as a number."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone; no name is looked up.

    Examples
    --------
    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("localhost.example.org")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_address(base_url: str) -> Address:
    """Read the base address of an endpoint.

    Parameters
    ----------
    base_url
        Such as ``"http://localhost:8080/v1"``.

    Returns
    -------
    Where requests go.

    Raises
    ------
    OptionError
        If it is no address of http or https, or holds a name or key of a user.

    Examples
    --------
    >>> print(parse_address("http://localhost:8080/v1"))
    http://localhost:8080/v1/chat/completions
    """
    if not isinstance(base_url, str) or len(base_url) > 2000:
        raise OptionError("base_url is no address. Give one such as 'http://localhost:8080/v1'.")
    if any(c.isspace() or not c.isprintable() for c in base_url):
        raise OptionError("base_url holds spaces or signs that no address has. Give it without.")
    try:
        parts = urllib.parse.urlsplit(base_url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise OptionError(
            f"base_url is no address ({error}). Give one such as 'http://localhost:8080/v1'."
        ) from error
    if parts.username is not None or parts.password is not None:
        raise OptionError(
            "base_url holds a name or password. Put the key into the environment "
            "(PRECORDIA_API_KEY) and leave it out of the address."
        )
    if parts.scheme not in ("http", "https") or not host:
        raise OptionError(
            f"'{base_url[:80]}' is no address of http or https. Give one such as "
            "'http://localhost:8080/v1'."
        )
    if parts.query or parts.fragment:
        raise OptionError("base_url has a query ('?...'); give the address without it.")
    path = urllib.parse.quote(parts.path.rstrip("/").removesuffix(_PATH), safe="/%:@+,;=~") + _PATH
    return Address(parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme], path)


def check_allowed(address: Address, *, remote: bool | None, unencrypted: bool) -> None:
    """Refuse an address on another machine that was not allowed.

    Parameters
    ----------
    address
        Where to.
    remote
        Whether other machines are allowed; None asks ``PRECORDIA_REMOTE``.
    unencrypted
        Whether http, which anybody on the way can read, is allowed to other machines.

    Raises
    ------
    RemoteOffError
        If it is not allowed, or ``PRECORDIA_OFFLINE`` is set.
    """
    if address.local:
        return
    if settings().offline:
        raise RemoteOffError(
            f"PRECORDIA_OFFLINE is set, and '{address.host}' is another machine. Nothing was sent."
        )
    allowed = settings().remote if remote is None else remote
    if not allowed:
        raise RemoteOffError(
            f"'{address.host}' is another machine, and asking models on other machines is off. "
            "Nothing was sent. What would be: the question, and facts of the recording without "
            "name, identifier, dates and file. Switch it on with remote=True (--remote), or "
            "PRECORDIA_REMOTE=1."
        )
    if address.scheme != "https" and not unencrypted:
        raise RemoteOffError(
            f"'{address}' is another machine without encryption. Nothing was sent. Use https, or "
            "allow it with unencrypted=True."
        )
