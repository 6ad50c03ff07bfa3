# SPDX-License-Identifier: Apache-2.0
"""Pseudonyms: one patient always becomes the same stranger, and only the key tells who."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from precordia.core.errors import FormatError, OptionError

#: dates move back by 1 day to about ten years
_MOST_DAYS = 3650
_KEY_BYTES = 32


class Pseudonyms:
    """Names, days and identifiers derived from a secret key.

    Parameters
    ----------
    key
        At least 16 secret bytes. With the same key the same patient gets the same pseudonym and
        the same shift of dates in every recording; without it nothing can be traced back.

    Raises
    ------
    OptionError
        If the key is shorter.

    Notes
    -----
    HMAC-SHA256 of what is replaced, with a word for its kind. A plain hash would not do: patient
    numbers are few enough to try them all.

    References
    ----------
    Krawczyk H, Bellare M, Canetti R. HMAC: keyed-hashing for message authentication. RFC 2104,
    1997. doi:10.17487/RFC2104

    Examples
    --------
    >>> told = Pseudonyms(b"a key of sixteen bytes or more")
    >>> told.patient("4711") == told.patient("4711") != told.patient("4712")
    True
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise OptionError(
                f"the key has {len(key)} bytes; at least 16 are needed, or it could be guessed. "
                "Let one be made: leave the key out, or name a new key file."
            )
        self._key = key

    def _digest(self, kind: str, what: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{what}".encode(), "sha256")

    def patient(self, identity: str) -> str:
        """Return the pseudonym of a patient."""
        return "P-" + self._digest("patient", identity).hex()[:16]

    def shift_days(self, identity: str) -> int:
        """Return by how many days a patient's dates move; always back."""
        return -1 - int.from_bytes(self._digest("dates", identity)[:8], "big") % _MOST_DAYS

    def uid(self, uid: str) -> str:
        """Return the unique identifier that stands for another one (root 2.25: a UUID)."""
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"

    def file_name(self, path: str) -> str:
        """Return the name of a copy, without its ending."""
        return self._digest("file", path).hex()[:12]


def make_key() -> bytes:
    """Return a new random key."""
    return secrets.token_bytes(_KEY_BYTES)


def load_key(path: Path) -> bytes:
    """Return the key that a file holds; make the file, readable by its owner only, if it is new.

    Raises
    ------
    FormatError
        If the file holds no key.
    OptionError
        If it cannot be read or made.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _key_of(path)
    except OSError as error:
        raise OptionError(
            f"the key file '{path.name}' cannot be made ({error.strerror}). Choose a folder that "
            "may be written."
        ) from error
    key = make_key()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
    return key


def _key_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(4096)
        key = bytes.fromhex(text.decode("ascii").strip())
    except (OSError, ValueError) as error:
        raise FormatError(
            f"'{path.name}' holds no key ({type(error).__name__}); a line of hexadecimal digits "
            "was needed. Name a file that an earlier run made, or a new one."
        ) from None
    if len(key) < 16:
        raise FormatError(
            f"'{path.name}' holds a key of {len(key)} bytes; at least 16 are needed. Name a file "
            "that an earlier run made, or a new one."
        )
    return key
