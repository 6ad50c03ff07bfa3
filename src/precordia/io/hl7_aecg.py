# SPDX-License-Identifier: Apache-2.0
"""Read an HL7 annotated ECG."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from precordia.core.errors import FormatError, LeadError, OptionError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.hl7_aecg_annotations import Clock, Mark, Said, read_annotations
from precordia.io.hl7_aecg_marks import beat_annotations, fiducials_of
from precordia.io.hl7_aecg_sequences import Series, read_series
from precordia.io.hl7_aecg_subject import read_header, read_patient, time_of
from precordia.io.safe_xml import parse_xml

_BEAT = "REPRESENTATIVE_BEAT"
#: positions that a median beat has
_MEDIAN_MARKS = (
    *("p_onset", "p_offset", "qrs_onset", "r_peak", "qrs_offset"),
    *("t_onset", "t_peak", "t_offset"),
)


def read_hl7_aecg(path: Path, *, unit: str | None = None, series: int | None = None) -> Record:
    """Read an HL7 annotated ECG (aECG), release of December 2003 and its variants.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of origin and scale, where the file states none or a wrong one: ``"uV"``, ``"mV"``.
    series
        Which rhythm series to read where a file holds several, counted from 1; by default the one
        with the most samples.

    Returns
    -------
    The rhythm recording. A representative beat is in ``carried.median``; measurements,
    statements, beats and wave boundaries are beside it; trial, site and device in its header.

    Raises
    ------
    FormatError
        If the file is no aECG, holds no series, or is damaged.
    UnitError
        If a lead does not say in which unit its scale is.
    SamplingRateError
        If a time axis does not tell the sampling rate.
    LeadError
        If no sequence is a voltage.
    OptionError
        If there is no series of that number.

    Notes
    -----
    Amplitude is ``origin + scale * digit``. Sets of one series that begin at different moments
    are placed on one clock, with NaN between them; where a set comes at another sampling rate its
    leads are companions. A sequence without samples (``nullFlavor``) is a lead of NaN.

    Marks are read where they form fiducials: beginnings, ends and peaks of the P, QRS and T waves,
    of all leads or of one. A QTc without a formula is ``qtc_ms``; QTcH of Mindray is the one of
    Hodges. The kinds of beats are annotations.

    The start is that of the first sample; where the time axis is relative, that of the series or
    the document. A document that only says when it ended has no start.

    References
    ----------
    HL7 version 3 standard: annotated ECG (aECG), implementation guide of 2005-03-21.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "empty.xml")
    >>> _ = file.write_text('<AnnotatedECG xmlns="urn:hl7-org:v3"/>')
    >>> read_hl7_aecg(file)
    Traceback (most recent call last):
    precordia.core.errors.FormatError: 'empty.xml' is an annotated ECG without any series ...
    """
    name = path.name
    root = parse_xml(path.read_bytes(), name=name)
    if root.tag != "AnnotatedECG":
        raise FormatError(
            f"'{name}' has the root element '{root.tag[:40]}'; 'AnnotatedECG' was needed. It is of "
            "another format: read it without format=."
        )
    remarks: list[Remark] = []
    rhythms, beats = _sorted_series(root)
    if not rhythms and not beats:
        raise FormatError(
            f"'{name}' is an annotated ECG without any series of samples. Export it again with "
            "its waveforms."
        )
    number, element, held = _chosen(rhythms or beats, name, unit, series, remarks)
    if held.clock is None:
        raise LeadError(
            f"'{name}' holds no sample of a voltage in series {number}, so no ECG. Export it "
            "again with its waveforms."
        )
    signal, leads, fs = held.clock.signal, held.clock.leads, held.clock.fs
    said = read_annotations(element, Clock(fs, held.first_sample, held.head_s))
    fiducials, row_of_beat = fiducials_of(
        said.marks, len(said.beats), fs=fs, n_samples=signal.shape[1], leads=leads
    )
    derived = element.findall("derivation/derivedSeries") + (beats if rhythms else [])
    median = _median(derived, said, name, unit, remarks)
    _remark_left_out(said, remarks)
    start = held.first_sample
    if start is None:
        start = time_of(element.find("effectiveTime")) or time_of(root.find("effectiveTime"))
    header = read_header(root, element)
    if said.annotators:
        header["annotator"] = "; ".join(dict.fromkeys(said.annotators))
    if said.comments:
        header["comment"] = "; ".join(filter(None, (header.get("comment"), *said.comments)))
    return Record(
        signal=signal,
        fs=fs,
        leads=leads,
        patient=read_patient(root, start),
        start_time=start,
        carried=Carried(
            measurements=said.measurements,
            statements=tuple(said.statements),
            annotations=beat_annotations(said.beats, row_of_beat, fiducials, signal.shape[1]),
            fiducials=fiducials,
            median=median,
            header=header,
        ),
        companions=held.companions,
        remarks=tuple(remarks),
        source=Source(method="read:hl7-aecg"),
    )


def _sorted_series(root: Element) -> tuple[list[Element], list[Element]]:
    """Return the series of rhythm, and those of a representative beat."""
    rhythms, beats = [], []
    for element in root.findall("component/series"):
        code = element.find("code")
        is_beat = code is not None and code.get("code", "").upper() == _BEAT
        (beats if is_beat else rhythms).append(element)
    return rhythms, beats


def _chosen(
    found: list[Element], name: str, unit: str | None, wanted: int | None, remarks: list[Remark]
) -> tuple[int, Element, Series]:
    """Return the series to read, with its number; the one with the most samples by default."""
    if wanted is not None:
        if not 1 <= wanted <= len(found):
            raise OptionError(
                f"series={wanted} arrived, and '{name}' holds {len(found)}. Choose one from 1 to "
                f"{len(found)}."
            )
        number = wanted
    else:
        sizes = [_size(element) for element in found]
        number = sizes.index(max(sizes)) + 1
    if len(found) > 1:
        remarks.append(
            Remark(
                code="series-left",
                text=f"The file holds {len(found)} series; number {number} was read, the others "
                "are read with series=.",
            )
        )
    element = found[number - 1]
    return number, element, read_series(
        element, number=number, name=name, unit=unit, remarks=remarks
    )  # fmt: skip


def _size(series: Element) -> int:
    """Return about how many samples a series holds, by the length of its text."""
    return sum(
        len(digits.text or "")
        for digits in series.findall("component/sequenceSet/component/sequence/value/digits")
    )


def _median(
    derived: list[Element], said: Said, name: str, unit: str | None, remarks: list[Remark]
) -> MedianBeat | None:
    """Return the first representative beat, with its marks; its measurements join the others."""
    for number, element in enumerate(derived, 1):
        code = element.find("code")
        if code is not None and code.get("code", _BEAT).upper() != _BEAT:
            continue
        own: list[Remark] = []
        held = read_series(element, number=number, name=name, unit=unit, remarks=own)
        if held.clock is None:
            continue
        remarks += own
        clock = held.clock
        told = read_annotations(element, Clock(clock.fs, held.first_sample, held.head_s))
        for key, value in told.measurements.items():
            said.measurements.setdefault(key, value)
        said.left_out += told.left_out
        return MedianBeat(
            signal=clock.signal,
            fs=clock.fs,
            leads=clock.leads,
            **_marks_of_median(told.marks, clock.signal.shape[1]),
        )
    return None


def _marks_of_median(marks: list[Mark], length: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for mark in marks:
        if mark.lead is None and mark.position in _MEDIAN_MARKS and 0 <= mark.at < length:
            found.setdefault(mark.position, mark.at)
    return found


def _remark_left_out(said: Said, remarks: list[Remark]) -> None:
    if said.left_out:
        listed = ", ".join(dict.fromkeys(said.left_out[:20]))
        remarks.append(
            Remark(
                code="measurement-unit",
                text=f"Measurements of the file in a unit that is not understood were left out: "
                f"{listed}.",
            )
        )
