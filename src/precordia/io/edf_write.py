# SPDX-License-Identifier: Apache-2.0
"""Write a record as EDF+."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record
from precordia.io.carried_texts import texts_of

if TYPE_CHECKING:
    import edfio

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
#: years that the short date can state
_SHORT_YEARS = range(1985, 2085)
#: EDF recommends data records of no more bytes
_RECORD_BYTES = 61440
#: steps of converters in use, µV; a signal of whole steps of one is stored without any loss
_USUAL_STEPS_UV = (1.0, 5.0, 2.5, 1.25, 0.5, 4.88, 0.25, 0.1)
_MISSING = -32768
#: the smallest range that eight characters state without an exponent
_SMALLEST = 1e-4


class _Division(NamedTuple):
    """How a recording is divided into data records; ``exact`` if it states the sampling rate."""

    per_record: int
    duration_s: float
    exact: bool


def write_edf(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as EDF+.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    identifiers
        Write the patient's identifier, name and date of birth too.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, is named as BDF, or EDF cannot hold the record.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and EDF+ has no place for.

    Notes
    -----
    edfio makes the file from integers that are computed here, as it takes no missing samples.
    Signals are stored in microvolts (millivolts beyond 9 V) with 16 bits. Where a lead consists
    of whole steps of a usual converter that step is kept, and the lead comes back as it was;
    otherwise the range is that of the lead, and it comes back within half a step, which is 1/131068
    of its range. EDF has no value for a missing sample: it is written as -32768, below the digital
    minimum of -32767, and the prefilter field says so; other software sees a value just below the
    physical minimum.

    A data record lasts as near to one second as divides the signal evenly. Where nothing does, the
    last record is filled with missing samples and the recording identification tells the length;
    it also keeps an exact sampling rate that the eight digits of a record's duration round, the
    age and the origin. Statements and measurements of the file become annotations at the start.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.edf import read_edf
    >>> record = Record(signal=np.array([[0.0, 0.5, np.nan]]), fs=500.0, leads=("II",))
    >>> read_edf(write_edf(record, Path(tempfile.mkdtemp(), "a.edf"))).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    place = Path(path)
    if place.suffix.lower() == ".bdf":  # other software takes the 16 bits of EDF for 24
        raise OutputError(
            f"'{place.name}' has the ending of BDF, which is read and not written. "
            "End the name in .edf."
        )
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; EDF needs at least one lead and one sample.")
    n_signals = record.n_leads + len(record.companions)
    if n_signals > 4000:
        raise OutputError(f"the record has {n_signals} signals; EDF holds fewer than 4000.")
    for division in _divisions(record.n_samples, record.fs, record.n_leads):
        lost: list[str] = []
        try:
            edf = _edf(record, division, identifiers, lost)
        except ValueError:
            # Long recordings at odd rates: edfio works in floats and finds that nothing divides.
            continue
        break
    else:
        raise OutputError(
            f"a sampling rate of {record.fs:g} Hz cannot be written as EDF, which gives the "
            "duration of a data record in eight characters. Resample the record, or write WFDB."
        )
    write_whole({str(place): edf.to_bytes()}, overwrite=overwrite)
    lost += _not_held(record)
    if lost:
        warnings.warn(
            f"EDF+ has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _divisions(n_samples: int, fs: float, n_leads: int) -> Iterator[_Division]:
    """Yield ways to divide a recording, the best first."""
    limit = max(1, _RECORD_BYTES // (2 * n_leads + 2))

    def exact(count: int) -> Iterator[_Division]:
        text = _eight(count / fs)
        if text is not None and float(text) > 0 and count / float(text) == fs:
            yield _Division(count, float(text), True)

    fitting = [d for d in _divisors(n_samples) if d <= limit]
    for count in sorted(fitting, key=lambda d: abs(math.log(d / fs))):
        # A record of a few samples would be mostly annotation: rather fill the last one.
        if count * 20 >= min(fs, n_samples):
            yield from exact(count)
    near = min(limit, max(1, round(fs)), n_samples)
    below, above = range(near, max(0, near - 2000), -1), range(near, min(limit, near + 2000))
    for count in (*below, *above):
        yield from exact(count)
    for count in below[:50]:
        text = _eight(count / fs)
        if text is not None and float(text) > 0:
            yield _Division(count, float(text), False)


def _divisors(n: int) -> Iterator[int]:
    for small in range(1, math.isqrt(n) + 1):
        if n % small == 0:
            yield small
            if small != n // small:
                yield n // small


def _eight(value: float) -> str | None:
    """Return a number in at most eight characters, as precise as they allow."""
    for digits in range(9, 0, -1):
        text = f"{value:.{digits}g}"
        if "e" in text:
            text = f"{value:.{max(0, min(6, digits))}f}".rstrip("0").rstrip(".")
        if len(text) <= 8:
            return text
    return None


def _edf(record: Record, division: _Division, identifiers: bool, lost: list[str]) -> edfio.Edf:
    """Make the file; ValueError where edfio cannot divide the recording in this way."""
    import edfio

    per_record, duration_s, _ = division
    n_records = -(-record.n_samples // per_record)
    signals = []
    for lead, row in zip(record.leads, record.signal, strict=True):
        label = f"ECG {lead}"
        if len(label) > 16:
            lost.append(f"the end of the name of lead '{lead}'")
        # Eight characters state ranges up to 9 V in microvolts; counts taken for mV exceed that.
        unit, scale = ("uV", 1e3) if np.nanmax(np.abs(row), initial=0) < 9e3 else ("mV", 1.0)
        signals.append(_signal(label, unit, scale, row, per_record, n_records, duration_s))
    for other in record.companions:
        each = other.fs * duration_s
        whole = round(each)
        uneven = whole < 1 or abs(each - whole) > 1e-6 * whole
        if uneven or -(-other.signal.size // whole) > n_records:
            lost.append(f"companion '{other.name}' (its rate does not fit the data records)")
            continue
        signals.append(
            _signal(other.name, other.unit, 1.0, other.signal, whole, n_records, duration_s)
        )
    extra = []
    if n_records * per_record != record.n_samples:
        extra.append(f"samples:{record.n_samples}")
    if not division.exact:
        extra.append(f"fs:{record.fs!r}")
    if math.isfinite(record.patient.age_years):
        extra.append(f"age:{record.patient.age_years:g}")
    if record.origin != "measured":
        extra.append(f"origin:{record.origin}")
    start = record.start_time
    short = start is not None and start.year in _SHORT_YEARS
    edf = edfio.Edf(
        signals,
        patient=_patient(record, identifiers),
        recording=edfio.Recording(startdate=start.date() if short else None, additional=extra),
        starttime=start.time() if start else time(0, 0),
        data_record_duration=duration_s,
        annotations=_annotations(record),
    )
    if start is not None and not short:
        # The short date stays the one that means unknown.
        day = f"{start.day:02d}-{_MONTHS[start.month - 1]}-{start.year:04d}"
        edf.local_recording_identification = " ".join(["Startdate", day, "X X X", *extra])
    return edf


def _signal(
    label: str,
    unit: str,
    scale: float,
    row: Float[np.ndarray, " sample"],
    per_record: int,
    n_records: int,
    duration_s: float,
) -> edfio.EdfSignal:
    """Return a signal as 16 bit integers and the range that they stand for."""
    import edfio

    values = row.astype(np.float64) * scale
    held = np.isfinite(values)
    n, whole = per_record * n_records, bool(held.all())
    low, high = _range(values if whole else values[held], unit)
    label = _ascii(label, 16)
    try:
        signal = edfio.EdfSignal.from_digital(
            np.zeros(n, np.int16),
            per_record / duration_s,
            label=label if label.strip() != "EDF Annotations" else "Annotations",
            physical_dimension=_ascii(unit, 8),
            physical_range=(_inward(low, 1), _inward(high, -1)),
            digital_range=(-32767, 32767),
            prefiltering="" if whole and n == values.size else f"missing:{_MISSING}",
        )
    except ValueError:
        raise OutputError(
            f"amplitudes from {low:.3g} to {high:.3g} have more digits than EDF can state as a "
            "range. Check the unit of the record."
        ) from None
    # edfio rounds the range outward to what eight characters hold: that is the scale.
    low = signal.physical_min
    gain = (signal.physical_max - low) / 65534
    steps = np.rint((np.where(held, values, low) - low) / gain) - 32767
    digital = signal.digital
    digital[: values.size] = np.clip(steps, -32767, 32767)
    digital[: values.size][~held] = _MISSING
    digital[values.size :] = _MISSING
    return signal


def _range(seen: np.ndarray, unit: str) -> tuple[float, float]:
    """Return physical minimum and maximum."""
    if seen.size == 0:
        return -1.0, 1.0
    low, high = float(seen.min()), float(seen.max())
    if unit == "uV":
        for step in _USUAL_STEPS_UV:
            top = 32767 * step
            if len(f"{top:.10g}") > 7 or max(-low, high) > top:
                continue
            counts = seen / step
            whole = np.rint(counts)
            # float32 millivolts are off by up to 6e-8 of themselves.
            if (np.abs(counts - whole) <= 1e-9 + 1.2e-7 * np.abs(whole)).all():
                return -top, top
    if high == low:
        return low - max(1.0, abs(low) * 1e-3), high + max(1.0, abs(high) * 1e-3)
    if 0 < abs(low) < _SMALLEST:
        low = -_SMALLEST if low < 0 else 0.0
    if 0 < abs(high) < _SMALLEST:
        high = _SMALLEST if high > 0 else 0.0
    return low, high


def _inward(limit: float, direction: int) -> float:
    """Return a limit that edfio, which rounds outward, brings to itself and not to its neighbour.

    Examples
    --------
    >>> math.floor(-3276.7 * 10000) / 10000, math.floor(_inward(-3276.7, 1) * 10000) / 10000
    (-3276.7, -3276.7)
    """
    return limit if limit.is_integer() else limit + direction * 1e-12 * abs(limit)


def _ascii(text: str, width: int) -> str:
    plain = text.replace("µ", "u").replace("\u03bc", "u")
    return "".join(c if " " <= c <= "~" else "?" for c in plain)[:width]


def _annotations(record: Record) -> list[edfio.EdfAnnotation]:
    import edfio

    marks = record.carried.annotations
    texts = texts_of(record.carried, numbered=True)  # readers sort notes of one time by their text
    found = [edfio.EdfAnnotation(0.0, None, text) for text in texts]
    if marks is None:
        return found
    texts = marks.aux or ("",) * len(marks)
    for at, symbol, text in zip(marks.sample, marks.symbol, texts, strict=False):
        words = " ".join(part for part in (symbol.replace('"', ""), text.strip("\0 ")) if part)
        plain = "".join(c for c in words if c >= " ")
        found.append(edfio.EdfAnnotation(float(at) / record.fs, None, plain or "note"))
    return found


def _patient(record: Record, identifiers: bool) -> edfio.Patient:
    import edfio

    patient = record.patient
    sex = {"female": "F", "male": "M"}.get(patient.sex or "", "X")
    if not identifiers:
        return edfio.Patient(sex=sex)
    code, name = (
        "_".join(_ascii(text or "", 80).split()) or "X"
        for text in (patient.patient_id, patient.name)
    )
    return edfio.Patient(
        code=code[:40], sex=sex, birthdate=patient.birth_date, name=name[: 65 - len(code[:40])]
    )


def _not_held(record: Record) -> list[str]:
    """Name what the record carries and EDF+ has no place for."""
    carried = record.carried
    lost = []
    if carried.fiducials is not None:
        lost.append("fiducials")
    if carried.median is not None:
        lost.append("the median beat")
    return lost
