# SPDX-License-Identifier: Apache-2.0
"""What was removed from a recording, and whether any of it still stands in the bytes of a copy."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from precordia.core.record import Record

#: how recorders and people spell a day
_DAYS = ("%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
_DAYS += ("%d-%b-%Y", "%d %b %Y", "%Y/%m/%d", "%d.%m.%y", "%b %d, %Y")
#: shorter values stand everywhere by chance
_SHORTEST = 2
#: longer values are looked for within words too
_WITHIN_WORDS = 8
#: what stands in headers and in the markup of formats, and names nobody
_SAY_NOTHING = frozenset({"ecg", "ekg", "12-lead ecg", "resting ecg", "holter", "rhythm", "n/a"})
#: words that tell nothing, as words of a name do
_SHORTEST_WORD = 4


@dataclass(frozen=True, slots=True)
class Removed:
    """Values that were taken out, each with its kind.

    Attributes
    ----------
    values
        Pairs of a kind (``"name"``, ``"date of birth"``, ...) and a text.
    kept
        Texts that stay on purpose, lower case; a removed value that is part of one is no leak.
    """

    values: tuple[tuple[str, str], ...]
    kept: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of what was removed, each once."""
        return tuple(dict.fromkeys(kind for kind, _ in self.values))

    def found_in(self, text: str) -> bool:
        """Tell whether a text quotes something that was removed."""
        return bool(self.leaks(text.encode()))

    def leaks(self, content: bytes, bare: bytes = b"") -> tuple[str, ...]:
        """Return the kinds of removed values that stand in the bytes of a copy.

        Parameters
        ----------
        content
            The copy.
        bare
            The same copy without its texts: digits of samples and names of fields that happen to
            spell a removed value are there too.
        """
        folded, plain = content.lower(), bare.lower()
        found = [
            kind
            for kind, value in self.values
            if len(value) >= _SHORTEST
            and not any(value.lower() in text for text in self.kept)
            and any(_count(folded, form) > _count(plain, form) for form in _forms(value))
        ]
        return tuple(dict.fromkeys(found))


def _forms(value: str) -> set[bytes]:
    """Return how a text may be spelled in bytes."""
    texts = {value, html.escape(value), json.dumps(value)[1:-1], value.replace(" ", "_")}
    forms = set()
    for text in texts:
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            if not encoding.startswith("utf-16") or len(text) >= _SHORTEST_WORD:
                forms.add(text.lower().encode(encoding, "replace"))
    return forms


def _count(content: bytes, form: bytes) -> int:
    """Count a form in bytes; a short one only where it is a word of its own."""
    if len(form) >= _WITHIN_WORDS or form not in content:
        return content.count(form)
    return len(re.findall(rb"(?<![0-9a-z.+-])" + re.escape(form) + rb"(?![0-9a-z]|\.\d)", content))


def removed_between(before: Record, after: Record, *, file_stem: str = "") -> Removed:
    """Return what one record holds and the other does not.

    Parameters
    ----------
    before
        As read.
    after
        De-identified.
    file_stem
        Name of the original file without its ending, where that must not stay either.
    """
    patient = before.patient
    values: list[tuple[str, str]] = []
    for kind, text in (("patient identifier", patient.patient_id), ("file name", file_stem)):
        if text:
            values.append((kind, text))
    if patient.name:
        values.append(("name", patient.name))
        values += [("name", part) for part in re.findall(r"[^\W\d_]{3,}", patient.name)]
    values += [("date of birth", text) for text in _spelled(patient.birth_date)]
    if before.start_time is not None:
        values += [("date of recording", text) for text in _spelled(before.start_time.date())]
    kept = _texts(after)
    stays = {text.lower() for text in kept}
    told = [(key.replace("_", " "), text) for key, text in before.carried.header.items()]
    told += [("statement", s.code) for s in before.carried.statements]
    told += [("statement", s.name) for s in before.carried.statements]
    if before.carried.annotations is not None:
        told += [("annotation", text) for text in dict.fromkeys(before.carried.annotations.aux)]
    told += [
        ("channel name", name) for name in (*before.leads, *(c.name for c in before.companions))
    ]
    for kind, text in told:
        for line in re.split(r"[\r\n]+", text):
            # What counts in "Key: value" is the value; the key is a word of the format.
            said = (line.partition(": ")[2] or line).strip()
            if said and said.lower() not in stays | _SAY_NOTHING and not _is_number(said):
                values.append((kind, said))
    return Removed(tuple(dict.fromkeys(values)), tuple(stays))


def _is_number(text: str) -> bool:
    """Tell whether a text is a small number, which names nobody and stands everywhere."""
    return re.fullmatch(r"\s*[-+]?\d{1,4}(\.\d*)?\s*\S{0,3}\s*", text) is not None


def _texts(record: Record) -> Iterable[str]:
    """Return every text that a record holds on purpose."""
    carried = record.carried
    yield from (record.patient.patient_id or "", record.patient.sex or "", *record.leads)
    yield from (c.name for c in record.companions)
    yield from (c.unit for c in record.companions)
    yield from carried.header.values()
    for statement in carried.statements:
        yield from (statement.code, statement.name)
    if carried.annotations is not None:
        yield from carried.annotations.aux


def _spelled(day: date | None) -> list[str]:
    return [] if day is None else list(dict.fromkeys(day.strftime(form) for form in _DAYS))
