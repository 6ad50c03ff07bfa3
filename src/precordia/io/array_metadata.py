# SPDX-License-Identifier: Apache-2.0
"""All of a record but its samples as one JSON text, for files of arrays that can hold a text."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.record import Companion, Record

#: what the text says of itself, and what a file calls the text
KIND, KEY = "precordia record, version 1", "precordia"
#: header entries that say nothing of people and places
_TECHNICAL = frozenset((
    "manufacturer", "device_model", "software_version", "filter_highpass_hz", "filter_lowpass_hz",
    "filter_notch_hz", "sop_class", "group_label",
))  # fmt: skip
#: remarks that reading adds again
_FOUND_AGAIN = ("amplitude-implausible", "leads-inconsistent", "leads-swapped")


def without_identifiers(record: Record) -> Record:
    """Return a record without the patient's identifiers and entries that may name others.

    For a copy that may be given away see `precordia.deidentify`, which takes out far more.

    Examples
    --------
    >>> record = Record(signal=np.zeros((1, 5)), fs=500.0, leads=("II",))
    >>> without_identifiers(record).carried.header
    {}
    """
    header = {key: text for key, text in record.carried.header.items() if key in _TECHNICAL}
    return dataclasses.replace(
        record,
        patient=dataclasses.replace(record.patient, patient_id=None, name=None, birth_date=None),
        carried=dataclasses.replace(record.carried, header=header),
    )


def metadata_of(
    record: Record, *, identifiers: bool, companion_arrays: list[str], lost: list[str]
) -> str:
    """Return everything of a record but its samples.

    Parameters
    ----------
    record
        The record.
    identifiers
        Keep the patient's identifier, name and date of birth, and header entries that may name
        people or places.
    companion_arrays
        What the file calls the samples of each companion.
    lost
        Receives what was left out.

    Returns
    -------
    JSON on one line.

    Examples
    --------
    >>> record = Record(signal=np.zeros((1, 5)), fs=500.0, leads=("II",))
    >>> metadata_of(record, identifiers=False, companion_arrays=[], lost=[])[:44]
    '{"kind": "precordia record, version 1", "uni'
    """
    told = record if identifiers else without_identifiers(record)
    patient, header = told.patient, told.carried.header
    if not identifiers:
        left = [key for key in record.carried.header if key not in header]
        if left:
            shown = ", ".join(left[:6]) + (", ..." if left[6:] else "")
            lost.append(f"header entries that may name people or places ({shown})")
    hollow = dataclasses.replace(
        record,
        signal=np.zeros((record.n_leads, 0), np.float32),
        patient=patient,
        carried=dataclasses.replace(record.carried, header=header),
        companions=(),
        remarks=tuple(r for r in record.remarks if r.code not in _FOUND_AGAIN),
    )
    held = hollow.to_dict()
    del held["signal"], held["source"]
    held["companions"] = [
        {"name": other.name, "fs": other.fs, "unit": other.unit, "array": array}
        for other, array in zip(record.companions, companion_arrays, strict=True)
    ]
    whole = {"kind": KIND, "unit": "mV", "axes": "lead sample", **held}
    return json.dumps(whole, allow_nan=False, ensure_ascii=False)


class RecordMetadata:
    """What such a text says.

    Attributes
    ----------
    hollow
        The record without samples and companions.
    companions
        Name, rate, unit and array of each companion.
    """

    def __init__(self, hollow: Record, companions: list[dict[str, Any]]) -> None:
        self.hollow = hollow
        self.companions = companions

    def companion(self, place: int, signal: np.ndarray) -> Companion:
        """Return a companion with its samples."""
        said = self.companions[place]
        return Companion(
            name=str(said["name"]),
            signal=np.asarray(signal, np.float32),
            fs=float(said["fs"]),
            unit=str(said["unit"]),
        )


def parse_metadata(text: str, *, name: str) -> RecordMetadata:
    """Return what a text says of a record; see `metadata_of`.

    Raises
    ------
    FormatError
        If it is damaged or of a version that is not known.

    Examples
    --------
    >>> record = Record(signal=np.zeros((1, 5)), fs=500.0, leads=("II",))
    >>> text = metadata_of(record, identifiers=False, companion_arrays=[], lost=[])
    >>> parse_metadata(text, name="a.npz").hollow.leads
    ('II',)
    """
    try:
        said = json.loads(text)
        kind = said["kind"]
        if kind != KIND:
            raise FormatError(
                f"'{name}' holds a '{str(kind)[:40]}'; '{KIND}' is read here. Update precordia."
            )
        companions = [
            {"name": c["name"], "fs": float(c["fs"]), "unit": c["unit"], "array": str(c["array"])}
            for c in said["companions"]
        ]
        if not all(0 < c["fs"] < 1e9 for c in companions):
            raise ValueError("a sampling rate that is none")
        n_leads = len(said["leads"])
        hollow = Record.from_dict({
            **said,
            "signal": {"shape": [n_leads, 0], "dtype": "<f4", "base64": ""},
            "companions": [],
        })  # fmt: skip
        hollow.to_dict()  # what cannot be written again is damaged
    except FormatError:
        raise
    except (PrecordiaError, ValueError, TypeError, KeyError, AttributeError, IndexError,
            OverflowError, RecursionError, SyntaxError, MemoryError) as error:  # fmt: skip
        raise FormatError(
            f"'{name}' describes its record in a text that is damaged ({type(error).__name__}). "
            "Copy or write the file again."
        ) from None
    return RecordMetadata(hollow, companions)
