# SPDX-License-Identifier: Apache-2.0
"""Who was recorded and when, as edfio reads it from an EDF header."""

from __future__ import annotations

import contextlib
import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from precordia.core.record import Patient

if TYPE_CHECKING:
    import edfio

#: two digits of a year, which edfio takes for one of the first century, are no date
_EARLIEST_YEAR = 1800
_UNKNOWN_DAY = date(1985, 1, 1)


def read_extra(edf: edfio.Edf | edfio.Bdf) -> dict[str, str]:
    """Return the additional fields of the recording identification, such as ``fs:333.25``."""
    fields = (field.partition(":") for field in edf.recording.additional)
    return {key: value for key, colon, value in fields if colon}


def read_patient(edf: edfio.Edf | edfio.Bdf, extra: dict[str, str]) -> Patient:
    """Return the patient; X and what cannot be is unknown.

    Parameters
    ----------
    edf
        The file.
    extra
        Additional fields of the recording identification, for the age that precordia writes.

    Returns
    -------
    The patient. Before EDF+ the field was free text, which becomes the identifier.
    """
    try:
        age = float(extra.get("age", "nan"))
    except ValueError:
        age = math.nan
    age = age if 0 <= age < 130 else math.nan
    text, who = edf.local_patient_identification.strip(), edf.patient
    if len(text.split()) < 4 or who.sex not in ("F", "M", "X"):
        return Patient(patient_id=text or None, age_years=age)
    born = None
    with contextlib.suppress(ValueError):
        born = who.birthdate
    code, name = (None if part == "X" else part.replace("_", " ") for part in (who.code, who.name))
    return Patient(
        patient_id=code,
        sex={"F": "female", "M": "male"}.get(who.sex),
        birth_date=born if born and born.year >= _EARLIEST_YEAR else None,
        name=name,
        age_years=age,
    )


def read_start_time(edf: edfio.Edf | edfio.Bdf, first_s: float) -> datetime | None:
    """Return when the first data record begins; None where the date is withheld or cannot be.

    Parameters
    ----------
    edf
        The file.
    first_s
        When its first data record begins, seconds after the start in the header.

    Notes
    -----
    The full date of EDF+ goes before the short one, in which the first of January 1985 means
    unknown. edfio adds ``first_s`` to the time of day.
    """
    import edfio

    try:
        day = edf.recording.startdate
    except edfio.AnonymizedDateError:
        return None
    except ValueError:
        day = None
    try:
        if day is None or day.year < _EARLIEST_YEAR:
            begun = edf.startdatetime
            return None if (begun - timedelta(seconds=first_s)).date() == _UNKNOWN_DAY else begun
        # edfio would warn here where the short date is another one, as it must be before 1985.
        begun = datetime.combine(day, edf.starttime)
        into_day = (begun - datetime.combine(day, datetime.min.time())).total_seconds()
        return begun + timedelta(days=max(0, math.ceil((first_s - into_day) / 86400 - 1e-9)))
    except (ValueError, OverflowError):
        return None
