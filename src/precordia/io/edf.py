# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of EDF, EDF+ and BDF files."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from precordia.core.errors import FormatError, LeadError, UnitError
from precordia.core.record import Annotations, Carried, Companion, Origin, Record, Remark
from precordia.core.source import Source
from precordia.io.carried_texts import carried_of, is_carried_text
from precordia.io.channel_roles import ecg_channels, lead_of_label
from precordia.io.edf_header import check_edf_header
from precordia.io.edf_identity import read_extra, read_patient, read_start_time
from precordia.io.edf_pieces import PIECE_BYTES, EdfPiece, read_pieces
from precordia.io.edf_placement import held_records, record_offsets, spread
from precordia.io.lead_names import unique_leads
from precordia.io.signal_memory import signal_memory
from precordia.io.units import millivolts, require_millivolts

if TYPE_CHECKING:
    import edfio

_ORIGINS: dict[str, Origin] = {"estimated": "estimated", "synthetic": "synthetic"}
_BEAT_CODES = frozenset('NLRaVFJASEjnQ/fe~+x![]!"|^st*DrB?"=')


class _Channel(NamedTuple):
    """What edfio says of a signal that is not annotations."""

    label: str
    unit: str
    gain: float
    offset: float
    digital_min: int
    per_record: int
    fs: float
    prefilter: str


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
    edfio reads the header, the samples and the annotations. Before it does, the header is checked
    and mended (``edf_header``), as are annotations that it would refuse (``edf_annotations``).

    A sample is ``physical minimum + (digital - digital minimum) * gain``, computed here from the
    stored integers, as edfio has it in double precision only. In a discontinuous recording (EDF+D),
    which edfio takes for a continuous one, the records are placed by their own start times and
    the time between them is NaN. A file that holds fewer records than it declares is read as far
    as it goes, with a remark. Values outside the digital range are kept, except the one that
    precordia itself writes for a missing sample.

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
    remarks: list[Remark] = []
    with path.open("rb") as file:
        n_bytes = os.fstat(file.fileno()).st_size
        head = file.read(min(n_bytes, PIECE_BYTES))
        layout = check_edf_header(head, name=name)
        n_records = held_records(layout, n_bytes, name, remarks)
        pieces = read_pieces(file, head, layout, n_records, name=name)
        piece = next(pieces)
        found = [_channel(signal, name) for signal in piece.signals]
        data = [k for k, channel in enumerate(found) if channel.per_record]
        if not data:
            raise LeadError(
                f"'{name}' holds annotations and no signals; an ECG channel was needed. The "
                "recording is in another file: read that."
            )
        picked = ecg_channels(
            [found[k].label for k in data],
            [found[k].unit for k in data],
            name=name,
            chosen=channels,
        )
        ecg = _one_rate([data[k] for k in picked], found, remarks)
        scales = {k: _millivolts_per_unit(found[k], unit, name) for k in ecg}
        signal = signal_memory(len(ecg), n_records * found[ecg[0]].per_record)
        rows = dict(zip(ecg, signal, strict=True))
        for k in data:
            rows.setdefault(k, np.empty(n_records * found[k].per_record, np.float32))
        starts, stamps, n_damaged = [], [], 0
        for part in itertools.chain((piece,), pieces):
            _fill(rows, part, found, scales)
            starts += part.starts
            stamps += part.stamps
            n_damaged += part.n_damaged
    if n_damaged:
        remarks.append(
            Remark(
                code="annotations-damaged",
                text=f"{n_damaged} data records hold annotations in another form than that of "
                "EDF+; what could not be read of them was passed over.",
            )
        )
    edf, main = piece.edf, found[ecg[0]]
    duration_s, extra = edf.data_record_duration, read_extra(edf)
    offsets = None
    if edf.reserved[3:5] == "+D" and starts:
        offsets = record_offsets(starts, duration_s, name, remarks)
    first_s = starts[0] if starts and math.isfinite(starts[0]) else 0.0
    signal = _trimmed(spread(signal, main.per_record, duration_s, offsets), extra)
    fs = _exact_rate(main.fs, extra)
    texts = {"recording": edf.local_recording_identification.strip(), "prefilter": main.prefilter}
    statements, measurements = carried_of(text for _, text in stamps)
    stamps = [stamp for stamp in stamps if not is_carried_text(stamp[1])]
    return Record(
        signal=signal,
        fs=fs,
        leads=unique_leads([lead_of_label(found[k].label) for k in ecg], remarks),
        origin=_ORIGINS.get(extra.get("origin", ""), "measured"),
        patient=read_patient(edf, extra),
        start_time=read_start_time(edf, first_s),
        carried=Carried(
            statements=statements,
            measurements=measurements,
            annotations=_annotations(stamps, fs, first_s, signal.shape[1]),
            header={key: text for key, text in texts.items() if text},
        ),
        companions=tuple(
            Companion(
                name=found[k].label or f"signal {k + 1}",
                signal=spread(rows[k], found[k].per_record, duration_s, offsets),
                fs=found[k].fs,
                unit=found[k].unit,
            )
            for k in data
            if k not in scales
        ),
        remarks=tuple(remarks),
        source=Source(method="read:edf"),
    )


def _channel(signal: edfio.EdfSignal | edfio.BdfSignal, name: str) -> _Channel:
    label = signal.label.strip()
    low, high = signal.physical_min, signal.physical_max
    first, last = signal.digital_min, signal.digital_max
    if last == first or high == low:
        raise FormatError(
            f"'{name}' gives '{label}' a range of nothing (physical {low:g} to {high:g}, "
            f"digital {first} to {last}), so that its samples have no scale. The header is "
            "damaged: export the file again."
        )
    gain = (high - low) / (last - first)
    if not abs(gain) < 1e20:
        raise FormatError(
            f"'{name}' scales '{label}' by {gain:g}, which no recording needs. The header is "
            "damaged: export the file again."
        )
    return _Channel(
        label=label,
        unit=signal.physical_dimension.strip(),
        gain=gain,
        offset=low - first * gain,
        digital_min=first,
        per_record=signal.samples_per_data_record,
        fs=signal.sampling_frequency,
        prefilter=signal.prefiltering.strip(),
    )


def _one_rate(ecg: list[int], found: Sequence[_Channel], remarks: list[Remark]) -> list[int]:
    """Keep the ECG channels of the rate that most of them have, the higher one on a tie."""
    rates = [found[k].per_record for k in ecg]
    if len(set(rates)) == 1:
        return ecg
    main = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    others = [found[k].label for k in ecg if found[k].per_record != main]
    remarks.append(
        Remark(
            code="lead-rates-differ",
            text="Leads have different sampling rates; those at another rate than most are kept "
            "as companions: " + ", ".join(others) + ".",
        )
    )
    return [k for k in ecg if found[k].per_record == main]


def _exact_rate(fs: float, extra: Mapping[str, str]) -> float:
    """Return the rate that the writer noted, where the digits of a record's duration round it."""
    try:
        exact = float(extra.get("fs", "nan"))
    except ValueError:
        exact = math.nan
    return exact if abs(exact - fs) <= 1e-3 * fs else fs


def _millivolts_per_unit(channel: _Channel, unit: str | None, name: str) -> float:
    if unit is not None:
        return require_millivolts(unit)
    factor = millivolts(channel.unit)
    if factor is None:
        raise UnitError(
            f"'{name}' gives '{channel.label}' the unit {channel.unit!r}; one of "
            "voltage was needed. Most files mean uV or mV: say which with unit='uV' or unit='mV'."
        )
    return factor


def _fill(
    rows: Mapping[int, np.ndarray],
    piece: EdfPiece,
    found: Sequence[_Channel],
    scales: Mapping[int, float],
) -> None:
    """Put the samples of some data records in their places, in their units times a scale."""
    exact = np.empty(0)
    for k, row in rows.items():
        channel, scale = found[k], scales.get(k, 1.0)
        digital = piece.signals[k].digital
        if exact.size != digital.size:
            exact = np.empty(digital.size)
        # Computed in double precision and rounded once.
        np.multiply(digital, channel.gain * scale, out=exact)
        if channel.offset:
            exact += channel.offset * scale
        start = piece.first * channel.per_record
        part = row[start : start + digital.size]
        part[:] = exact
        if "missing:" in channel.prefilter:
            part[digital < channel.digital_min] = np.nan


def _trimmed(signal: np.ndarray, extra: Mapping[str, str]) -> np.ndarray:
    """Drop the filling of the last record, where the writer said how long the signal is."""
    count = extra.get("samples", "")
    if count.isdecimal() and len(count) < 12 and 0 < int(count) < signal.shape[1]:
        return np.ascontiguousarray(signal[:, : int(count)])
    return signal


def _annotations(
    stamps: list[tuple[float, str]], fs: float, first_s: float, n_samples: int
) -> Annotations | None:
    kept = []
    for onset, text in stamps:
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
