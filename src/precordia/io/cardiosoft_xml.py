# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a GE CardioSoft XML file."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from precordia.core.errors import FormatError, OptionError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.cardiosoft_xml_header import read_header, read_patient, start_time
from precordia.io.cardiosoft_xml_measurements import read_marks, read_measurements, read_statements
from precordia.io.cardiosoft_xml_strips import Strip, read_full_disclosure, read_strip
from precordia.io.safe_xml import parse_xml
from precordia.io.xml_text import number_at, text_at

#: parts of a file that hold a recording, by the name of the option
_PARTS = {"strip": "StripData", "full-disclosure": "FullDisclosure"}
#: classes of beats as devices spell them; any other is kept as text beside Q
_BEATS = {
    "DOMINANT": "N", "NORMAL": "N", "N": "N", "PVC": "V", "VES": "V", "VPB": "V", "V": "V",
    "PAC": "S", "SVES": "S", "SVPB": "S", "S": "S", "PACED": "/", "PACE": "/",
}  # fmt: skip


def read_cardiosoft_xml(path: Path, *, unit: str | None = None, part: str | None = None) -> Record:
    """Read the ECG of a GE CardioSoft XML file.

    Parameters
    ----------
    path
        The file.
    unit
        Step of the samples, where the file states none or a wrong one: ``"4.88 uV"``.
    part
        ``"strip"`` or ``"full-disclosure"``, where a file holds both; by default the one with more
        samples in all leads together.

    Returns
    -------
    The recording with the leads that are stored; none is computed. The median beat of a resting ECG
    is in ``carried.median`` with its wave boundaries, and the beats that the device classified are
    in ``carried.annotations``.

    Raises
    ------
    FormatError
        If the file is damaged, or holds no recording.
    UnitError
        If the file does not say what one step of its samples is.
    SamplingRateError
        If the sampling rate is missing or makes no sense.
    LeadError
        If leads have no names.
    OptionError
        If there is no ``part`` of that name.

    Notes
    -----
    The files of CardioSoft hold a strip of all leads, a lead after the other (``StripData``), and
    those of exercise tests also the whole test in a few leads, interleaved (``FullDisclosure``).
    ``Resolution`` is the step of the samples in the unit that stands beside it (``uVperLsb``).
    Strips of single events (``ArrhythmiaData``) are not read.

    Measurements are taken in the unit beside each. Boundaries within the median beat are in
    milliseconds; where no unit says so, they are in what makes the QRS complex as long as its
    duration, and are left out where neither milliseconds nor samples do.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "ecg.xml")
    >>> _ = path.write_text(
    ...     "<CardiologyXML><StripData><SampleRate units='Hz'>500</SampleRate>"
    ...     "<Resolution units='uVperLsb'>5</Resolution>"
    ...     "<WaveformData lead='V1'>1,2,-3</WaveformData></StripData></CardiologyXML>"
    ... )
    >>> read_cardiosoft_xml(path).signal
    array([[ 0.005,  0.01 , -0.015]], dtype=float32)
    """
    name = path.name
    if part is not None and part not in _PARTS:
        raise OptionError(
            f"part={part!r} is no part of a CardioSoft file. Use {' or '.join(map(repr, _PARTS))}, "
            "or leave it out."
        )
    root = parse_xml(path.read_bytes(), name=name)
    if root.tag != "CardiologyXML":
        raise FormatError(
            f"'{name}' is an XML text about '{root.tag[:40]}'; 'CardiologyXML' was needed for a "
            "CardioSoft file. Read it without format=, so that its content decides."
        )
    remarks: list[Remark] = []
    element = _chosen(root, part, name, remarks)
    if element.tag == "FullDisclosure":
        strip = read_full_disclosure(element, name=name, unit=unit, remarks=remarks)
    else:
        strip = read_strip(element, name=name, unit=unit, remarks=remarks)
    if root.find("ArrhythmiaData//WaveformData") is not None:
        remarks.append(
            Remark(
                code="events-left-out",
                text="The file also holds strips of single events, which were not read.",
            )
        )
    start = start_time(root)
    return Record(
        signal=strip.signal,
        fs=strip.fs,
        leads=strip.leads,
        patient=read_patient(root, start),
        start_time=start,
        carried=Carried(
            measurements=read_measurements(root),
            statements=read_statements(root),
            annotations=_beats(element, strip),
            median=_median(root, name, unit, remarks),
            header=read_header(root),
        ),
        remarks=tuple(remarks),
        source=Source(method="read:cardiosoft-xml"),
    )


def _chosen(root: Element, part: str | None, name: str, remarks: list[Remark]) -> Element:
    """Return the part that is read."""
    held: dict[str, list[Element]] = {
        key: [element for element in root.iterfind(tag) if _size(element)]
        for key, tag in _PARTS.items()
    }
    found = [(key, element) for key, elements in held.items() for element in elements]
    if part is not None:
        found = [(key, element) for key, element in found if key == part]
    if not found:
        missing = "StripData or FullDisclosure" if part is None else _PARTS[part]
        raise FormatError(
            f"'{name}' holds no recording; {missing} with samples was needed. Export it from "
            "CardioSoft again, with its waveforms."
        )
    key, chosen = max(found, key=lambda one: _size(one[1]))
    if len(found) > 1:
        others = {other for other, element in found if element is not chosen} - {key}
        how = f" part={others.pop()!r} reads the other." if others else ""
        remarks.append(
            Remark(
                code="recordings-left-out",
                text=f"The file holds {len(found)} recordings; the one with the most samples was "
                f"read.{how}",
            )
        )
    return chosen


def _size(element: Element) -> int:
    """Return about how many samples a part holds."""
    return sum(
        text.count(",") + 1
        for tag in ("WaveformData", "FullDisclosureData")
        for data in element.iterfind(tag)
        for text in data.itertext()
        if not text.isspace()
    )


def _median(root: Element, name: str, unit: str | None, remarks: list[Remark]) -> MedianBeat | None:
    for path in ("RestingECGMeasurements/MedianSamples", "MedianSamples", "MedianData"):
        element = root.find(path)
        if element is not None and _size(element):
            strip = read_strip(element, name=name, unit=unit, remarks=remarks)
            marks = read_marks(root, fs=strip.fs, n_samples=strip.signal.shape[1])
            return MedianBeat(signal=strip.signal, fs=strip.fs, leads=strip.leads, **marks)  # type: ignore[arg-type]
    return None


def _beats(element: Element, strip: Strip) -> Annotations | None:
    """Return the beats that the device classified."""
    results = element.find("ArrhythmiaResults")
    if results is None:
        return None
    found: list[tuple[int, str, str]] = []
    at = np.nan
    for entry in results:
        if entry.tag == "Time":
            known = entry.get("units", "ms").lower() == "ms"
            at = number_at(entry) * strip.fs / 1000 if known else np.nan
        elif entry.tag == "BeatClass" and 0 <= at < strip.signal.shape[1] - 0.5:
            word = text_at(entry)[:40]
            symbol = _BEATS.get(word.upper(), "Q")
            found.append((round(at), symbol, word if symbol == "Q" else ""))
            at = np.nan
    if not found:
        return None
    found.sort()
    return Annotations(
        sample=np.array([beat[0] for beat in found]),
        symbol=tuple(beat[1] for beat in found),
        aux=tuple(beat[2] for beat in found),
    )
