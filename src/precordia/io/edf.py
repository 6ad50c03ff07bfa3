# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of EDF, EDF+ and BDF files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, UnitError
from precordia.core.record import Annotations, Carried, Companion, Record, Remark
from precordia.core.source import Source
from precordia.io.channel_roles import ecg_channels, lead_of_label
from precordia.io.edf_annotations import parse_stamps, record_starts
from precordia.io.edf_header import EdfHeader, EdfSignal, parse_edf_header
from precordia.io.lead_names import unique_leads
from precordia.io.units import millivolts, require_millivolts

#: files above this are mapped into memory instead of read
_MAPPED_BYTES = 64 << 20
#: a gapped recording may be this many times longer than what was recorded, and a minimum
_LARGEST_STRETCH, _ALWAYS_ALLOWED_S = 16, 48 * 3600
_BEAT_CODES = frozenset('NLRaVFJASEjnQ/fe~+x![]!"|^st*DrB?"=')


def read_edf(
    path: Path, *, unit: str | None = None, channels: Sequence[str] | None = None
) -> Record:
    """Read the ECG of an EDF, EDF+ or BDF file.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of the ECG channels, where the file states none or a wrong one: ``"uV"``, ``"mV"``.
    channels
        Labels of the channels that are ECG, where their labels do not say so.

    Returns
    -------
    The ECG in millivolts. Other channels are companions at their own rate and unit, and so are
    ECG channels at another rate than most of them. Annotations are in ``carried.annotations``.

    Raises
    ------
    FormatError
        If the file is damaged, or holds no complete data record.
    UnitError
        If an ECG channel has no unit and ``unit`` is not given.
    LeadError
        If no channel is an ECG.
    OptionError
        If ``channels`` names one that is not there.

    Notes
    -----
    A sample is ``physical minimum + (digital - digital minimum) * gain``. In a discontinuous
    recording (EDF+D) the records are placed by their own start times and the time between them
    is NaN. A file that holds fewer records than it declares is read as far as it goes, with a
    remark. Values outside the digital range are kept, except the one that precordia itself writes
    for a missing sample.

    References
    ----------
    Kemp B et al. Electroencephalogr Clin Neurophysiol 1992;82:391-393.
    doi:10.1016/0013-4694(92)90009-7
    Kemp B, Olivan J. Clin Neurophysiol 2003;114:1755-1761. doi:10.1016/S1388-2457(03)00123-8

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from precordia.io.edf_write import write_edf
    >>> record = Record(signal=np.eye(2, 500), fs=250.0, leads=("I", "II"))
    >>> read_edf(write_edf(record, pathlib.Path(tempfile.mkdtemp(), "a.edf")))
    Record(2 leads (I, II), 2 s at 250 Hz, measured)
    """
    name = path.name
    n_bytes = path.stat().st_size
    mapped = n_bytes > _MAPPED_BYTES
    content = np.memmap(path, np.uint8, "r") if mapped else path.read_bytes()
    header = parse_edf_header(bytes(content[: 256 * 4097]) if mapped else content, name=name)
    remarks: list[Remark] = []
    n_records = _n_records(header, n_bytes, name, remarks)
    table = _table(content, header, n_records)
    columns = _columns(header)
    signals = header.signals
    data = [k for k, s in enumerate(signals) if not s.is_annotation and s.per_record]
    if not data:
        raise LeadError(
            f"'{name}' holds annotations and no signals; an ECG channel was needed. The recording "
            "is in another file: read that."
        )
    labels = [signals[k].label for k in data]
    picked = ecg_channels(labels, [signals[k].unit for k in data], name=name, chosen=channels)
    ecg = _one_rate([data[k] for k in picked], signals, remarks)
    starts, stamps = _times(table, columns, header, n_records, name)
    place = _Placement(header, starts, n_records, name, remarks)
    per_record = signals[ecg[0]].per_record
    fs = _rate(header, per_record)
    scales = [_millivolts_per_unit(signals[k], unit, name) for k in ecg]
    signal = _rows(table, columns, signals, ecg, scales, place.firsts(per_record))
    signal = _trimmed(signal, header)
    companions = tuple(
        _companion(k, table, columns, header, place) for k in data if k not in set(ecg)
    )
    leads = unique_leads([lead_of_label(signals[k].label) for k in ecg], remarks)
    return Record(
        signal=signal,
        fs=fs,
        leads=leads,
        patient=header.patient,
        start_time=_start_time(header.start_time, place.first_s),
        carried=Carried(
            annotations=_annotations(stamps, fs, place.first_s, signal.shape[1]),
            header=_texts(header, signals[ecg[0]]),
        ),
        companions=companions,
        remarks=tuple(remarks),
        source=Source(method="read:edf"),
    )


def _n_records(header: EdfHeader, n_bytes: int, name: str, remarks: list[Remark]) -> int:
    """Return how many complete data records the file holds."""
    size = header.record_samples * header.sample_bytes
    if size == 0:
        raise FormatError(
            f"'{name}' declares data records without samples. The header is damaged: copy or "
            "export the file again."
        )
    held = (n_bytes - header.n_bytes) // size
    if held < 1:
        raise FormatError(
            f"'{name}' holds no complete data record: one has {size:,} bytes and "
            f"{max(0, n_bytes - header.n_bytes):,} follow the header. The file is cut or its "
            "header damaged: copy or export it again."
        )
    declared = header.n_records
    if declared == -1:
        remarks.append(
            Remark(
                code="not-closed",
                text="The recorder did not close the file; its length was taken from its size.",
            )
        )
        return held
    if declared < 1:
        raise FormatError(
            f"'{name}' declares {declared} data records; at least one was needed. The header is "
            "damaged: copy or export the file again."
        )
    if held < declared:
        remarks.append(
            Remark(
                code="truncated",
                text=f"The file declares {declared} data records and holds {held}; what is there "
                "was read.",
            )
        )
    elif n_bytes - header.n_bytes - declared * size > 0:
        remarks.append(
            Remark(
                code="bytes-left-over",
                text=f"{n_bytes - header.n_bytes - declared * size} bytes follow the declared "
                "data records and were not read.",
            )
        )
    return min(held, declared)


def _table(content: bytes | np.memmap, header: EdfHeader, n_records: int) -> np.ndarray:
    """Return the samples as (record, sample of all signals): 16 bit, or bytes of 24 bit."""
    width = header.record_samples
    if header.sample_bytes == 2:
        flat = np.frombuffer(content, "<i2", n_records * width, header.n_bytes)
        return flat.reshape(n_records, width)
    flat = np.frombuffer(content, np.uint8, n_records * width * 3, header.n_bytes)
    return flat.reshape(n_records, width, 3)


def _columns(header: EdfHeader) -> list[slice]:
    found, at = [], 0
    for signal in header.signals:
        found.append(slice(at, at + signal.per_record))
        at += signal.per_record
    return found


def _digital(table: np.ndarray, column: slice) -> np.ndarray:
    """Return the stored integers of one signal as (record, sample)."""
    part = table[:, column]
    if part.ndim == 2:
        return part
    wide = part.astype(np.int32)
    return wide[..., 0] | wide[..., 1] << 8 | (wide[..., 2] ^ 0x80) - 0x80 << 16


def _one_rate(ecg: list[int], signals: Sequence[EdfSignal], remarks: list[Remark]) -> list[int]:
    """Keep the ECG channels of the rate that most of them have, the higher one on a tie."""
    rates = [signals[k].per_record for k in ecg]
    if len(set(rates)) == 1:
        return ecg
    main = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    others = [signals[k].label for k in ecg if signals[k].per_record != main]
    remarks.append(
        Remark(
            code="lead-rates-differ",
            text="Leads have different sampling rates; those at another rate than most are kept "
            "as companions: " + ", ".join(others) + ".",
        )
    )
    return [k for k in ecg if signals[k].per_record == main]


def _rate(header: EdfHeader, per_record: int) -> float:
    fs = per_record / header.duration_s
    try:
        exact = float(header.extra.get("fs", "nan"))
    except ValueError:
        exact = math.nan
    # The eight digits of a record's duration round some rates; the writer notes the exact one.
    return exact if abs(exact - fs) <= 1e-3 * fs else fs


def _times(
    table: np.ndarray, columns: list[slice], header: EdfHeader, n_records: int, name: str
) -> tuple[list[float], list[tuple[float, float, str]]]:
    """Return when the records begin (empty where none says) and the time-stamped texts."""
    notes = [k for k, s in enumerate(header.signals) if s.is_annotation and s.per_record]
    if not notes:
        return [], []
    starts: list[float] = []
    stamps: list[tuple[float, float, str]] = []
    for place, k in enumerate(notes):
        column = table[:, columns[k]]
        records = [np.ascontiguousarray(column[r]).tobytes() for r in range(n_records)]
        if place == 0:
            starts = record_starts(records)
        for record in records:
            if record.count(b"\x14") > 2:
                stamps += [stamp for stamp in parse_stamps(record) if stamp[2]]
    return starts, stamps


class _Placement:
    """Where each data record lies on the clock of the recording."""

    def __init__(
        self, header: EdfHeader, starts: list[float], n: int, name: str, remarks: list[Remark]
    ) -> None:
        self.duration_s = header.duration_s
        self.n_records = n
        self.first_s = starts[0] if starts and math.isfinite(starts[0]) else 0.0
        self.offsets_s: np.ndarray | None = None
        if header.kind.endswith("D") and starts:
            self.offsets_s = self._gapped(np.array(starts), name, remarks)

    def _gapped(self, starts: np.ndarray, name: str, remarks: list[Remark]) -> np.ndarray:
        if not np.isfinite(starts).all() or (np.diff(starts) < self.duration_s * 0.999).any():
            raise FormatError(
                f"'{name}' is a discontinuous recording whose data records do not say when they "
                "begin, or overlap. It cannot be placed in time: export it again."
            )
        offsets = starts - starts[0]
        length = offsets[-1] + self.duration_s
        if length > max(_LARGEST_STRETCH * self.n_records * self.duration_s, _ALWAYS_ALLOWED_S):
            raise FormatError(
                f"'{name}' spreads {self.n_records * self.duration_s:g} s of recording over "
                f"{length:g} s. Its time stamps are damaged, or it is many recordings: split it."
            )
        gap = length - self.n_records * self.duration_s
        if gap > 0.5 * self.duration_s / max(1, self.n_records) and gap > 1e-6:
            remarks.append(
                Remark(code="gaps", text=f"The recording has gaps of {gap:g} s in all; NaN there.")
            )
        return offsets

    def firsts(self, per_record: int) -> np.ndarray | None:
        """Return the first sample of each record; None where they follow one another."""
        if self.offsets_s is None or self.duration_s == 0:
            return None
        firsts = np.rint(self.offsets_s * (per_record / self.duration_s)).astype(np.int64)
        return None if (np.diff(firsts) == per_record).all() else firsts


def _millivolts_per_unit(signal: EdfSignal, unit: str | None, name: str) -> float:
    if unit is not None:
        return require_millivolts(unit)
    factor = millivolts(signal.unit)
    if factor is None:
        raise UnitError(
            f"'{name}' gives '{signal.label}' the unit {signal.unit!r}; one of voltage was needed. "
            "Most files mean uV or mV: say which with unit='uV' or unit='mV'."
        )
    return factor


def _rows(
    table: np.ndarray,
    columns: list[slice],
    signals: Sequence[EdfSignal],
    rows: Sequence[int],
    scales: Sequence[float],
    firsts: np.ndarray | None,
) -> Float[np.ndarray, "lead sample"]:
    """Return signals in their units times a scale, the records in their places."""
    n_records, per_record = table.shape[0], signals[rows[0]].per_record
    n = n_records * per_record
    whole = np.empty((len(rows), n), np.float32)
    exact = np.empty((n_records, per_record))
    for row, k, scale in zip(whole, rows, scales, strict=True):
        signal = signals[k]
        digital = _digital(table, columns[k])
        # Computed in double precision and rounded once.
        np.multiply(digital, signal.gain * scale, out=exact)
        if signal.offset:
            exact += signal.offset * scale
        row.reshape(n_records, per_record)[:] = exact
        if "missing:" in signal.prefilter:
            row[(digital < signal.digital_min).reshape(-1)] = np.nan
    if firsts is None:
        return whole
    spread = np.full((len(rows), int(firsts[-1]) + per_record), np.nan, np.float32)
    for r, first in enumerate(firsts):
        spread[:, first : first + per_record] = whole[:, r * per_record : (r + 1) * per_record]
    return spread


def _trimmed(signal: np.ndarray, header: EdfHeader) -> np.ndarray:
    """Drop the filling of the last record, where the writer said how long the signal is."""
    count = header.extra.get("samples", "")
    if count.isdecimal() and len(count) < 12 and 0 < int(count) < signal.shape[1]:
        return np.ascontiguousarray(signal[:, : int(count)])
    return signal


def _companion(
    k: int, table: np.ndarray, columns: list[slice], header: EdfHeader, place: _Placement
) -> Companion:
    signal = header.signals[k]
    values = _rows(table, columns, header.signals, [k], [1.0], place.firsts(signal.per_record))
    return Companion(
        name=signal.label or f"signal {k + 1}",
        signal=values[0],
        fs=signal.per_record / header.duration_s,
        unit=signal.unit,
    )


def _start_time(start: datetime | None, first_s: float) -> datetime | None:
    """Add the fraction of a second at which an EDF+ recording begins."""
    if start is None or not first_s:
        return start
    try:
        return start + timedelta(seconds=first_s)
    except OverflowError:
        return start


def _annotations(
    stamps: list[tuple[float, float, str]], fs: float, first_s: float, n_samples: int
) -> Annotations | None:
    kept = []
    for onset, _, text in stamps:
        at = round((onset - first_s) * fs)
        if 0 <= at < n_samples:
            kept.append((at, text))
    if not kept:
        return None
    kept.sort(key=lambda entry: entry[0])
    symbols, texts = [], []
    for _, text in kept:
        code, _, rest = text.partition(" ")
        is_code = len(code) == 1 and code in _BEAT_CODES
        symbols.append(code if is_code else '"')
        texts.append(rest if is_code else text)
    return Annotations(
        sample=np.array([at for at, _ in kept], np.int64),
        symbol=tuple(symbols),
        aux=tuple(texts),
    )


def _texts(header: EdfHeader, signal: EdfSignal) -> dict[str, str]:
    found = {"recording": header.recording, "prefilter": signal.prefilter}
    return {key: text for key, text in found.items() if text}
