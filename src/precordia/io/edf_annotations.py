# SPDX-License-Identifier: Apache-2.0
"""The annotations of EDF+ and BDF+ files: time-stamped lists of texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_STAMP = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14")


def parse_stamps(record: bytes) -> list[tuple[float, float, str]]:
    r"""Parse the annotations of one data record.

    Parameters
    ----------
    record
        The bytes of the annotation signal.

    Returns
    -------
    Onset in seconds, duration in seconds (NaN where there is none) and text of each; the first
    entry of every record has an empty text and tells when the record begins.

    Notes
    -----
    EDF+ specification, section 2.2.2. What is not a list in its form is passed over.

    Examples
    --------
    >>> parse_stamps(b"+2\x14\x14\0+3.5\x150.25\x14Blink\x14\0\0")
    [(2.0, nan, ''), (3.5, 0.25, 'Blink')]
    """
    found = []
    for part in record.split(b"\0"):
        stamp = _STAMP.match(part)
        if stamp is None:
            continue
        onset = float(stamp.group(1))
        duration = float(stamp.group(2)) if stamp.group(2) else math.nan
        if not math.isfinite(onset):
            continue
        texts = part[stamp.end() :].split(b"\x14")
        for text in texts[:-1] or texts:
            found.append((onset, duration, text.decode("utf-8", "replace")))
    return found


def record_starts(records: Iterable[bytes]) -> list[float]:
    r"""Return when each data record begins, seconds; NaN where a record does not say.

    Examples
    --------
    >>> record_starts([b"+0\x14\x14\0", b"+1.5\x14\x14\0"])
    [0.0, 1.5]
    """
    starts = []
    for record in records:
        stamp = _STAMP.match(record)
        starts.append(float(stamp.group(1)) if stamp else math.nan)
    return starts
