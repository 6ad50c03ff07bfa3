# SPDX-License-Identifier: Apache-2.0
"""Read the resting ECG of a GE MUSE XML file."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.muse_xml_header import read_header, read_patient, start_time
from precordia.io.muse_xml_leads import with_derived_leads
from precordia.io.muse_xml_measurements import read_marks, read_measurements, read_statements
from precordia.io.muse_xml_waveforms import Waveform, read_waveform
from precordia.io.safe_xml import parse_xml
from precordia.io.xml_text import number_at, text_at

#: beats that are no part of the dominant rhythm; the file does not say of which kind
_ECTOPIC = "ectopic"


def read_muse_xml(path: Path, *, unit: str | None = None, ignore_checksum: bool = False) -> Record:
    """Read the resting ECG of a GE MUSE XML file.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of the amplitudes, where the file states none or a wrong one: ``"uV"``, ``"mV"``;
        where it does not even state a number of them a step, the step: ``"4.88 uV"``.
    ignore_checksum
        Read samples whose checksum is wrong.

    Returns
    -------
    The rhythm recording with all twelve leads. The median beat is in ``carried.median`` with its
    wave boundaries, and the beats that the device found are in ``carried.annotations``: ``N`` for
    the dominant kind and ``Q`` for ectopic ones, which the file does not classify.

    Raises
    ------
    FormatError
        If the file is damaged, holds no rhythm recording, or a checksum is wrong.
    UnitError
        If a lead does not say what one step of its samples is.
    SamplingRateError
        If the sampling rate is missing or makes no sense.
    LeadError
        If no lead holds samples.

    Notes
    -----
    Devices store leads I, II and V1 to V6 as 16-bit numbers in steps of
    ``LeadAmplitudeUnitsPerBit`` (4.88 uV); III, aVR, aVL and aVF are computed. The sampling rate is
    ``SampleBase * 10**SampleExponent``. A lead that is declared off and does not change is NaN, and
    so is what lies before ``LeadOffsetFirstSample``. Of several rhythm recordings, the one with the
    most samples is read. Wave boundaries are counted in samples of ``ECGSampleBase`` within the
    median beat, beats in milliseconds; ``QTCorrected`` is the one after Bazett. The confirmed
    measurements and diagnosis are read where there are any, the original ones else. The document
    type definition that files name is not fetched.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "ecg.xml")
    >>> _ = path.write_text(
    ...     "<RestingECG><Waveform><SampleBase>500</SampleBase><LeadData><LeadID>V1</LeadID>"
    ...     "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>"
    ...     "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
    ...     "<WaveFormData>AQACAA==</WaveFormData></LeadData></Waveform></RestingECG>"
    ... )
    >>> read_muse_xml(path).signal
    array([[0.00488, 0.00976]], dtype=float32)
    """
    name = path.name
    root = parse_xml(path.read_bytes(), name=name)
    if root.tag != "RestingECG":
        raise FormatError(
            f"'{name}' is an XML text about '{root.tag[:40]}'; 'RestingECG' was needed for a MUSE "
            "file. Read it without format=, so that its content decides."
        )
    remarks: list[Remark] = []
    warnings: list[str] = []

    def waveform(element: Element) -> Waveform:
        return read_waveform(
            element,
            name=name,
            unit=unit,
            ignore_checksum=ignore_checksum,
            remarks=remarks,
            warnings=warnings,
        )

    rhythm, median = _chosen(root, name, remarks)
    main = waveform(rhythm)
    signal, leads = with_derived_leads(main.rows, main.leads, remarks)
    header = read_header(root)
    header.update(main.filters)
    statements, signed_by = read_statements(root)
    if signed_by:
        header["confirmed_by"] = "; ".join(filter(None, (header.get("confirmed_by"), signed_by)))
    return Record(
        signal=signal,
        fs=main.fs,
        leads=leads,
        patient=read_patient(root),
        start_time=start_time(root),
        carried=Carried(
            measurements=read_measurements(root),
            statements=statements,
            annotations=_beats(root, main.fs, signal.shape[1]),
            median=None if median is None else _median(root, waveform(median)),
            header=header,
        ),
        remarks=tuple(remarks),
        source=Source(method="read:muse-xml", warnings=tuple(warnings)),
    )


def _chosen(root: Element, name: str, remarks: list[Remark]) -> tuple[Element, Element | None]:
    """Return the rhythm recording that is read, and the median beat."""
    rhythms, medians = [], []
    for element in root.findall("Waveform"):
        if element.find("LeadData") is not None:
            kind = text_at(element, "WaveformType").lower()
            (medians if kind == "median" else rhythms).append(element)
    if not rhythms:
        held = "a median beat alone" if medians else "no waveform"
        raise FormatError(
            f"'{name}' holds {held}; a rhythm recording was needed. Export it from MUSE again, "
            "with its waveforms."
        )
    if len(rhythms) > 1:
        remarks.append(
            Remark(
                code="recordings-left-out",
                text=f"The file holds {len(rhythms)} rhythm recordings; the one with the most "
                "samples was read.",
            )
        )
        rhythms.sort(key=_size, reverse=True)
    return rhythms[0], medians[0] if medians else None


def _size(element: Element) -> int:
    return sum(len(data.text or "") for data in element.iterfind("LeadData/WaveFormData"))


def _median(root: Element, waveform: Waveform) -> MedianBeat:
    signal, leads = with_derived_leads(waveform.rows, waveform.leads, [])
    marks = read_marks(root, fs=waveform.fs, n_samples=signal.shape[1])
    return MedianBeat(signal=signal, fs=waveform.fs, leads=leads, **marks)  # type: ignore[arg-type]


def _beats(root: Element, fs: float, n_samples: int) -> Annotations | None:
    """Return the beats that the device found."""
    found = []
    for beat in root.iterfind("QRSTimesTypes/QRS"):
        at = number_at(beat, "Time") * fs / 1000
        if 0 <= at < n_samples - 0.5:
            found.append((round(at), number_at(beat, "Type") != 0))
    if not found:
        return None
    found.sort()
    return Annotations(
        sample=np.array([at for at, _ in found]),
        symbol=tuple("Q" if ectopic else "N" for _, ectopic in found),
        aux=tuple(_ECTOPIC if ectopic else "" for _, ectopic in found),
    )
