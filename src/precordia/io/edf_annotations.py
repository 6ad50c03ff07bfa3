# SPDX-License-Identifier: Apache-2.0
"""What edfio leaves open in annotations: when records begin, and lists not in their form."""

from __future__ import annotations

import math
import re

#: how a time-stamped list of texts begins: onset, duration; EDF+ specification, section 2.2.2
_HEAD = re.compile(rb"[+-]\d{1,30}(?:\.\d{1,30})?(?:\x15\d{1,30}(?:\.\d{1,30})?)?\x14")
#: the empty list that every data record begins with
_START = re.compile(rb"([+-]\d{1,30}(?:\.\d{1,30})?)\x14\x14")
#: a record with nothing else, as nearly all are
_ONLY_START = re.compile(_START.pattern + rb"\0+")
_PLAIN = bytes(range(128)) + b"?" * 128


def record_start(record: bytes) -> float:
    r"""Return when a data record begins, seconds; NaN where it does not say.

    Parameters
    ----------
    record
        The bytes of the first annotation signal in the record.

    Notes
    -----
    edfio reads these times and keeps them to itself, as it knows no gaps.

    Examples
    --------
    >>> record_start(b"+1.5\x14\x14\0")
    1.5
    """
    found = _START.match(record)
    return float(found.group(1)) if found else math.nan


def mend_annotations(record: bytes) -> bytes:
    r"""Return the annotations of one data record as edfio can read them; the rest is blanked.

    Parameters
    ----------
    record
        The bytes of one annotation signal in the record.

    Returns
    -------
    As many bytes: the very same where nothing was wrong.

    Notes
    -----
    One wrong byte makes edfio refuse all annotations of a file, and a number or a list without end
    costs it time that grows with the square of its length. Characters that are not UTF-8 become
    question marks.

    Examples
    --------
    >>> mend_annotations(b"+2\x14\x14\0+3\x14Gr\xfc\xdfe\x14\0+4\x14no end")
    b'+2\x14\x14\x00+3\x14Gr??e\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
    """
    if _ONLY_START.fullmatch(record):
        return record
    held = record
    if not held.isascii():
        try:
            held.decode()
        except UnicodeDecodeError:
            held = held.translate(_PLAIN)
    held = held.replace(b"\n", b" ")
    lists = held.rstrip(b"\0").split(b"\0")
    kept = [part if not part or _is_list(part) else bytes(len(part)) for part in lists]
    if not held.endswith(b"\0"):
        kept[-1] = b""
    return b"\0".join(kept).ljust(len(held), b"\0")


def _is_list(part: bytes) -> bool:
    head = _HEAD.match(part)
    return head is not None and part.endswith(b"\x14", head.end())
