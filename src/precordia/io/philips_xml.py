# SPDX-License-Identifier: Apache-2.0
"""Read the resting ECG of a Philips XML file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.philips_xml_header import read_header, read_patient
from precordia.io.philips_xml_measurements import read_measurements, read_statements
from precordia.io.philips_xml_median import read_median
from precordia.io.philips_xml_waveforms import read_waveforms
from precordia.io.safe_xml import parse_xml
from precordia.io.xml_text import text_at

_TYPES = ("SierraECG", "PhilipsECG")
_VERSIONS = ("1.03", "1.04", "1.04.01", "1.04.02")
#: samples that are equal in all leads for this long are a calibration mark
_SHORTEST_MARK_S = 0.05


def read_philips_xml(
    path: Path, *, unit: str | None = None, keep_calibration: bool = False
) -> Record:
    """Read the resting ECG of a Philips XML file, as PageWriter and TraceMaster write them.

    Parameters
    ----------
    path
        The file.
    unit
        Step of the samples, where the file states none or a wrong one: ``"5 uV"``.
    keep_calibration
        Keep the last second where it holds a calibration mark.

    Returns
    -------
    The rhythm recording. The representative beat, with its wave boundaries where the file gives
    them for all leads together, is in ``carried.median``.

    Raises
    ------
    FormatError
        If the file is of another type or version, damaged, or holds no recording.
    UnitError
        If the file does not say what one step of its samples is.
    SamplingRateError
        If the sampling rate is missing or makes no sense.
    LeadError
        If the leads have no names.

    Notes
    -----
    Document versions 1.03, 1.04, 1.04.01 and 1.04.02 are read. Compressed samples are those of
    `decode_xli`; III, aVR, aVL and aVF are stored as what leads I and II leave of them and are
    rebuilt exactly. Most recordings last 11 s, of which devices print ten; in the last second the
    ECG stops, a mark of 1 mV follows in all leads at once, and zeros after it. That second is left
    out, with a remark, if the mark is there.

    Measurements are those of the interpretation; ``Failed`` and 0 mean that a duration or a rate
    was not measured. Measurements of single leads are not read. A statement has the code of
    Philips and, as its name, the words on the left and on the right of the report.

    References
    ----------
    Welch TA. Computer 1984;17(6):8-19. doi:10.1109/MC.1984.1659158

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "ecg.xml")
    >>> _ = path.write_text(
    ...     "<restingecgdata><documentinfo><documenttype>PhilipsECG</documenttype>"
    ...     "<documentversion>1.04</documentversion></documentinfo><waveforms><parsedwaveforms "
    ...     "dataencoding='Base64' leadlabels='V1' samplespersecond='500' resolution='5' "
    ...     "durationperchannel='4'>AQACAA==</parsedwaveforms></waveforms></restingecgdata>"
    ... )
    >>> read_philips_xml(path).signal
    array([[0.005, 0.01 ]], dtype=float32)
    """
    name = path.name
    root = parse_xml(path.read_bytes(), name=name)
    _check_version(root, name)
    remarks: list[Remark] = []
    held = read_waveforms(root, name=name, unit=unit, remarks=remarks)
    counts = held.counts
    if not keep_calibration:
        counts = _without_calibration(counts, held.fs, held.step_mv, remarks)
    signal = (counts * held.step_mv).astype(np.float32)
    start = _start_time(root)
    return Record(
        signal=signal,
        fs=held.fs,
        leads=held.leads,
        patient=read_patient(root, start),
        start_time=start,
        carried=Carried(
            measurements=read_measurements(root),
            statements=read_statements(root),
            median=read_median(root, name=name, remarks=remarks),
            header=read_header(root),
        ),
        remarks=tuple(remarks),
        source=Source(method="read:philips-xml"),
    )


def _check_version(root: Element, name: str) -> None:
    """Refuse documents of another type or version by name."""
    if root.tag != "restingecgdata":
        raise FormatError(
            f"'{name}' is an XML text about '{root.tag[:40]}'; 'restingecgdata' was needed for a "
            "Philips file. Read it without format=, so that its content decides."
        )
    kind = text_at(root, "documentinfo/documenttype")[:40]
    version = text_at(root, "documentinfo/documentversion")[:40]
    if kind not in _TYPES:
        raise FormatError(
            f"'{name}' is a document of type {kind or 'unknown'}; {' or '.join(_TYPES)} was "
            "needed. Export it again as one of these, or as DICOM."
        )
    if version not in _VERSIONS:
        raise FormatError(
            f"'{name}' is a {kind} document of version {version or 'unknown'}; "
            f"{', '.join(_VERSIONS)} are read. Export it again in one of these, or as DICOM."
        )


def _without_calibration(
    counts: np.ndarray, fs: float, step_mv: float, remarks: list[Remark]
) -> np.ndarray:
    """Drop the last second where it holds a mark of 1 mV in all leads at once."""
    second = round(fs)
    tail = counts[~np.isnan(counts).any(axis=1), -second:]
    if counts.shape[1] <= second or len(tail) < 2:
        return counts
    is_mark = (tail == round(1 / step_mv)).all(axis=0)
    at = np.flatnonzero(is_mark)
    if (
        at.size < _SHORTEST_MARK_S * fs
        or at[-1] - at[0] + 1 != at.size
        or tail[:, at[-1] + 1 :].any()
    ):
        return counts
    remarks.append(
        Remark(
            code="calibration-left-out",
            text="The last second, in which the device drew a calibration mark of 1 mV, was left "
            f"out ({counts.shape[1] - second} of {counts.shape[1]} samples are kept).",
        )
    )
    return counts[:, :-second]


def _start_time(root: Element) -> datetime | None:
    """Return when the ECG was acquired; None where the day or the time is unknown."""
    for path in ("dataacquisition", "reportinfo"):
        element = root.find(path)
        if element is not None:
            text = f"{element.get('date', '').strip()}T{element.get('time', '').strip()}"
            try:
                return datetime.fromisoformat(text) if len(text) >= 16 else None
            except ValueError:
                continue
    return None
