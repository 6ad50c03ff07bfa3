# SPDX-License-Identifier: Apache-2.0
"""Recognise files whose format has no signature, by how their first bytes are laid out."""

from __future__ import annotations

import re

_CONTEC_START = re.compile(
    rb"(?=[!-~]{1,8}\0{2,9}\d{4}-)[!-~\0]{10}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\0{3}"
)
_CONTEC_HEADER, _CONTEC_FOOTER = 43, 37
_ISHNE_OLD = re.compile(rb"(ISHNE|ANN )[\0 \d.]{3,4}")
_ISHNE_HEADER = 522
#: a header line of Apple Health that tells the sampling rate, in any language
_APPLE_RATE = re.compile(
    r"^[^,;\d\n]{2,40}[,;]\s*\"?\d{2,4}(?:[.,]\d+)?[\s\u00a0\u202f]*"
    r"(?:hz|hertz|hercios|hertzios|\u8d6b\u5179|\u8d6b|\u30d8\u30eb\u30c4|\u0433\u0446|\u0433\u0435\u0440\u0446\w*)\.?\"?\s*$",
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
    if not 0 < titles < len(lines) or not all(map(_BARE_NUMBER.match, lines[titles:])):
        return False
    return any(_RR_TITLE.match(line) for line in lines[:titles])


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
