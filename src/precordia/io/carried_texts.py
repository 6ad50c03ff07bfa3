# SPDX-License-Identifier: Apache-2.0
"""Statements and measurements as lines of text, for formats that have notes and nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from precordia.core.record import Carried
from precordia.core.statements import Statement

_KEYS = ("Statement", "Measurement")
_STATEMENT = re.compile(r"Statement(?: (\d{1,3}))?(?: \[([\w .-]{1,40})\])?: (.*)")
#: ``NORM [scp-ecg]`` and ``normal ECG [scp-ecg NORM]``, as a statement is printed
_PRINTED = re.compile(
    r"(\S[^\[\]]{0,200}?) \[(scp-ecg|snomed-ct|aha|minnesota|philips)(?: (\S{1,40}))?\]"
)
_MEASUREMENT = re.compile(
    r"Measurement ([a-z][a-z0-9_]{0,40}): (-?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?)"
)


def texts_of(carried: Carried, *, numbered: bool = False) -> list[str]:
    """Return the statements and measurements of a file, one a line.

    Parameters
    ----------
    carried
        What a file said.
    numbered
        Number the statements, for formats whose notes have no order.

    Examples
    --------
    >>> af = Statement(code="164889003", scheme="snomed-ct", name="atrial fibrillation")
    >>> texts_of(Carried(statements=(af,), measurements={"pr_ms": 160.0}))
    ['Statement [snomed-ct]: 164889003 | atrial fibrillation', 'Measurement pr_ms: 160.0']
    """
    lines = []
    for number, statement in enumerate(carried.statements, start=1):
        place = f" {number}" if numbered else ""
        scheme = "" if statement.scheme == "text" else f" [{statement.scheme}]"
        name = f" | {statement.name}" if statement.name and scheme else ""
        lines.append(" ".join(f"Statement{place}{scheme}: {statement.code}{name}".split()))
    for name, value in carried.measurements.items():
        if math.isfinite(value):
            lines.append(f"Measurement {name}: {float(value)!r}")
    return lines


def carried_of(texts: Iterable[str]) -> tuple[tuple[Statement, ...], dict[str, float]]:
    """Return the statements and measurements among lines that `texts_of` wrote, and others.

    Statements that are numbered are put in order.

    Examples
    --------
    >>> carried_of(["Measurement pr_ms: 160.0", "lights off"])
    ((), {'pr_ms': 160.0})
    """
    statements, measurements = [], {}
    for text in texts:
        if not text.startswith(_KEYS):
            continue
        if (found := _STATEMENT.fullmatch(text)) is not None:
            code, _, name = found[3].partition(" | ")
            told = (
                Statement(code=code, scheme=found[2], name=name)
                if found[2]
                else printed_statement(found[3])
            )
            statements.append((int(found[1] or 0), told))
        elif (found := _MEASUREMENT.fullmatch(text)) is not None:
            value = float(found[2])
            if math.isfinite(value):
                measurements[found[1]] = value
    statements.sort(key=lambda entry: entry[0])
    return tuple(told for _, told in statements), measurements


def printed_statement(text: str) -> Statement:
    """Return the statement that a text is; one that was printed with its scheme keeps its code.

    Examples
    --------
    >>> printed_statement("NORM [scp-ecg]")
    Statement(code='NORM', scheme='scp-ecg', name='', likelihood=nan)
    >>> printed_statement("sinus rhythm [scp-ecg SR]").code
    'SR'
    >>> printed_statement("sinus rhythm [see above]").scheme
    'text'
    """
    found = _PRINTED.fullmatch(text.strip())
    if found is None:
        return Statement(code=text)
    said, scheme, code = found.groups()
    if code is None:
        return Statement(code=said, scheme=scheme) if " " not in said else Statement(code=text)
    return Statement(code=code, scheme=scheme, name="" if said == code else said)


def is_carried_text(text: str) -> bool:
    """Tell whether a line is a statement or a measurement that `texts_of` wrote.

    Examples
    --------
    >>> is_carried_text("Statement: sinus rhythm"), is_carried_text("lights off")
    (True, False)
    """
    return text.startswith(_KEYS) and bool(
        _STATEMENT.fullmatch(text) or _MEASUREMENT.fullmatch(text)
    )
