# SPDX-License-Identifier: Apache-2.0
"""Recognise files whose format has no signature, by how their first bytes are laid out."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTEC_START = re.compile(
    rb"(?=[!-~]{1,8}\0{2,9}\d{4}-)[!-~\0]{10}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\0{3}"
)
_CONTEC_HEADER, _CONTEC_FOOTER = 43, 37
_ISHNE_OLD = re.compile(rb"(ISHNE|ANN )[\0 \d.]{3,4}")
_ISHNE_HEADER = 522
#: longest values of the definitions that may stand before the waveforms of an MFER file
_MFER_LONGEST = {
    0x00: 0, 0x01: 1, 0x02: 3, 0x03: 32, 0x04: 4, 0x05: 4, 0x06: 4, 0x07: 4, 0x08: 127, 0x09: 127,
    0x0A: 1, 0x0B: 6, 0x0C: 6, 0x0D: 8, 0x0F: 127, 0x11: 127, 0x12: 8, 0x15: 127, 0x16: 127,
    0x17: 127, 0x3F: 127, 0x40: 127, 0x41: 127, 0x42: 127, 0x43: 4, 0x67: 127, 0x81: 127,
    0x82: 127, 0x83: 7, 0x84: 1, 0x85: 11, 0x86: 127, 0x87: 127,
}  # fmt: skip
#: the word hertz in the languages that telephones write it in
HERTZ = (
    r"hz|hertz|hercios|hertzios|hercy|herc\w{0,3}|\u8d6b\u5179|\u8d6b|\u30d8\u30eb\u30c4|"
    r"\u0433\u0446|\u0433\u0435\u0440\u0446\w{0,3}|\ud5e4\ub974\uce20"
)
#: a header line of Apple Health that tells the sampling rate, in any language
_APPLE_RATE = re.compile(
    rf"^[^,;\d\n]{{2,40}}[,;]\s*\"?\d{{2,4}}(?:[.,]\d+)?[\s\u00a0\u202f]*(?:{HERTZ})\.?\"?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_APPLE_MOMENT = re.compile(
    r"^[^,;\d\n]{2,40}[,;]\s*\"?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d ?(?:[+-]\d\d:?\d\d|Z)",
    re.MULTILINE,
)
_BARE_NUMBER = re.compile(r"^\s*[-+]?\d+(?:[.,]\d+)?\s*$")
_RR_TITLE = re.compile(
    r"^[\s#%;/\"']*(?:rr|r-r|nn|n-n|rri|nni|ibi)(?:[\s_-]?(?:intervals?|series|list|data))?"
    r"[\s:=_-]*(?:[(\[]?\s*(?:ms|msec|milliseconds?|s|sec|seconds?)\s*[)\]]?)?[\"'\s:]*$",
    re.IGNORECASE,
)


def is_ishne(head: bytes) -> bool:
    """Tell whether bytes begin an ISHNE recording or its annotations.

    Examples
    --------
    >>> is_ishne(b"ISHNE1.0" + bytes(514))
    True
    """
    if head.startswith((b"ISHNE1.0", b"ANN  1.0")):
        return True
    # Older writers leave out the version; the reader refuses those that it does not know.
    return len(head) >= _ISHNE_HEADER and _ISHNE_OLD.match(head) is not None


def is_contec(head: bytes) -> bool:
    r"""Tell whether bytes are as a Contec ECG90A writes them.

    Asked for are the number of the case that ends in zeros, a date and time of fixed form behind
    it, and samples that a converter of 12 bits can give.

    Examples
    --------
    >>> start = b"0000050\0\0\0" + b"2020-11-16 21:44:39" + bytes(11) + b"\xff\0\0"
    >>> is_contec(start + b"\0\x08" * 800), is_contec(start + b"\0\xf8" * 800)
    (True, False)
    """
    if len(head) < _CONTEC_HEADER + 16 or not _CONTEC_START.match(head):
        return False
    # In a short file the footer follows.
    end = len(head) if len(head) >= 4096 else max(len(head) - _CONTEC_FOOTER, _CONTEC_HEADER + 16)
    samples = head[_CONTEC_HEADER : end - (end - _CONTEC_HEADER) % 16]
    return all(
        high < 16 or (high == 0x68 and low == 0)
        for low, high in zip(samples[::2], samples[1::2], strict=True)
    )


def is_mfer(head: bytes) -> bool:
    r"""Tell whether bytes begin an MFER file: a preamble, or a chain of definitions.

    Without the preamble, which is optional, at least five definitions that are known and of
    possible length are asked for, three of them of those that every recording needs.

    Examples
    --------
    >>> is_mfer(b"\x40\x20MFR Standard 12 leads ECG"), is_mfer(b"\x01\x01\x01 and text")
    (True, False)
    """
    if head[:1] == b"@" and b"MFR " in head[:40]:
        return True
    at = n_known = n_needed = 0
    if head[:1] not in (b"\x01", b"\x40") or b"\n" in head[:4]:
        return False
    while at < len(head) and (n_known < 5 or n_needed < 3):
        tag, longest = head[at], _MFER_LONGEST.get(head[at])
        at += 1
        if tag == 0:
            continue
        if tag == 0x3F:
            at += 1
        if longest is None or at >= len(head) or head[at] > min(longest, 0x84):
            return False
        n_known += 1
        n_needed += tag in (0x04, 0x05, 0x0A, 0x0B, 0x0C, 0x3F)
        at += 1 + head[at]
    return n_known >= 5 and n_needed >= 3


def is_polar_hrm(head: bytes) -> bool:
    r"""Tell whether bytes begin an exercise file of a Polar watch.

    Examples
    --------
    >>> is_polar_hrm(b"[Params]\r\nVersion=106\r\n")
    True
    """
    return re.match(rb"(?:\xef\xbb\xbf)?\s*\[Params\]\s*\r?\n\s*\w+=", head) is not None


def is_apple_health_csv(head: bytes) -> bool:
    r"""Tell whether bytes begin an electrocardiogram that Apple Health exported.

    The words of the header are those of the telephone's language; what all have in common is a
    line with a sampling rate in hertz, one with a date and time zone, and bare numbers below.

    Examples
    --------
    >>> head = "Aufzeichnungsdatum,2024-06-15 10:30:00 +0200\nMessrate,512 hertz\n\n-265,868\n1\n"
    >>> is_apple_health_csv(head.encode())
    True
    """
    if b"\0" in head[:512] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return False
    if b"\n" not in head and b"\r" not in head:
        return False
    text = text_of(head)
    if _APPLE_RATE.search(text) is None or _APPLE_MOMENT.search(text) is None:
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    return any(_BARE_NUMBER.match(line) for line in lines[2:])


def is_rr_text(head: bytes) -> bool:
    r"""Tell whether bytes begin a list of RR intervals that says it is one.

    Examples
    --------
    >>> is_rr_text(b"RR (ms)\n812\n807\n"), is_rr_text(b"812\n807\n")
    (True, False)
    """
    if b"\0" in head[:512]:
        return False
    lines = [line.strip() for line in text_of(head[:2048]).splitlines() if line.strip()][:-1]
    titles = 0
    while titles < len(lines) and not _BARE_NUMBER.match(lines[titles]):
        titles += 1
    is_list = 0 < titles < len(lines) and all(map(_BARE_NUMBER.match, lines[titles:]))
    if is_list and any(_RR_TITLE.match(line) for line in lines[:titles]):
        return True
    return rr_column(lines) is not None


def rr_column(lines: Sequence[str]) -> tuple[str, int] | None:
    r"""Find the RR intervals in a table that has at most three columns beside them, none an ECG.

    Parameters
    ----------
    lines
        Lines with something in them; the titles in the first.

    Returns
    -------
    The delimiter and the number of the column; None where no single column says that it holds RR
    intervals, or the next lines do not fit.

    Examples
    --------
    >>> rr_column(["Phone timestamp;RR-interval [ms]", "2022-01-01T10:00:00.812;812"])
    (';', 1)
    """
    for sign in ";\t,":
        titles = lines[0].split(sign) if lines else []
        found = [k for k, title in enumerate(titles) if _RR_TITLE.match(title)]
        if (
            not 2 <= len(titles) <= 4
            or len(found) != 1
            or re.search("ecg|ekg|lead", lines[0], re.I)
        ):
            continue
        rows = [line.split(sign) for line in lines[1:20]]
        if rows and all(
            len(row) == len(titles) and _BARE_NUMBER.match(row[found[0]]) for row in rows
        ):
            return sign, found[0]
    return None


def text_of(content: bytes) -> str:
    r"""Decode a text whose encoding nobody states: UTF-8, UTF-16 with a mark, else Windows-1252.

    Examples
    --------
    >>> text_of(b"\xff\xfe\xb5\x00V\x00")
    'µV'
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The first bytes of a file may end within a letter.
        if error.start >= len(content) - 3:
            return content[: error.start].decode("utf-8-sig")
    return content.decode("cp1252", "replace")


def is_hdf5(head: bytes) -> bool:
    r"""Tell whether bytes begin an HDF5 file, perhaps behind a block of the user's.

    Examples
    --------
    >>> is_hdf5(b"\x89HDF\r\n\x1a\n"), is_hdf5(bytes(512) + b"\x89HDF\r\n\x1a\n")
    (True, True)
    """
    return any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048))


def is_matlab(head: bytes) -> bool:
    r"""Tell whether bytes begin a MATLAB file: of version 5 and later by its text, of 4 by shape.

    Examples
    --------
    >>> is_matlab(b"MATLAB 5.0 MAT-file"), is_matlab(b"\x1e" + bytes(60))
    (True, False)
    """
    if head.startswith((b"MATLAB 5.0", b"MATLAB 7")) or head[124:128] in (b"\0\1IM", b"\1\0MI"):
        return True
    # Version 4 begins with five integers: type, rows, columns, complex or not, length of the name.
    for order in ("little", "big"):
        kind, rows, columns, is_complex, length = (
            int.from_bytes(head[at : at + 4], order) for at in range(0, 20, 4)
        )
        text = head[20 : 20 + length] if length <= 64 else b""
        if (
            kind == (0 if order == "little" else 1000) + kind % 100
            and kind % 100 in (0, 10, 20, 30, 40, 50, 1, 11, 21, 31, 41, 51)
            and 0 < rows < 1 << 31 and 0 < columns < 1 << 31 and is_complex < 2
            and len(text) > 1 and re.fullmatch(rb"[A-Za-z]\w*\0", text) is not None
        ):  # fmt: skip
            return True
    return False


def is_numpy(head: bytes) -> bool:
    r"""Tell whether bytes begin a NumPy array, or an archive whose first member is one.

    Examples
    --------
    >>> is_numpy(b"\x93NUMPY\x01\x00"), is_numpy(b"PK\x03\x04")
    (True, False)
    """
    if head.startswith(b"\x93NUMPY"):
        return True
    length = int.from_bytes(head[26:28], "little")
    return head[:4] == b"PK\x03\x04" and head[30 : 30 + length].endswith(b".npy")
