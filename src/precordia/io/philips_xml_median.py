# SPDX-License-Identifier: Apache-2.0
"""The representative beat of a Philips XML file."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from precordia.core.leads import canonical_lead
from precordia.core.measurements import MedianBeat
from precordia.core.record import Remark
from precordia.io.base64_samples import decode_base64, sixteen_bit_samples
from precordia.io.lead_names import unique_leads
from precordia.io.number_list import parse_integers
from precordia.io.xml_text import text_at

_MARKS = ("pdur", "print", "qonset", "qrsdur", "tonset", "qtint")
#: what devices put where a beat is shorter than the room for it
_FILLER = 32767
_LONGEST_S, _MOST_LEADS = 10.0, 32


def read_median(root: Element, *, name: str, remarks: list[Remark]) -> MedianBeat | None:
    """Return the representative beat; None where there is none.

    Parameters
    ----------
    root
        The file.
    name
        Name of the file, for the error sentences.
    remarks
        Takes a sentence where a beat is there and cannot be read.

    Raises
    ------
    FormatError
        If its samples are damaged.

    Notes
    -----
    Boundaries are those of all leads together, in milliseconds from the beginning of the beat: of
    the interpretation, or of the leads where these all have the same. A P wave begins the PR
    interval before the QRS complex, and one that would end after the beginning of the QRS complex
    has no end. The step of the samples is in microvolts; 32767
    is no sample, and a beat ends before the last of them.
    """
    element = root.find("waveforms/repbeats")
    if element is None:
        return None
    beats = element.findall("repbeat")
    try:
        fs = float(element.get("samplespersec", "nan"))
        step_mv = float(element.get("resolution", "nan")) / 1000
    except ValueError:
        fs = step_mv = np.nan
    rows = [
        _samples(beat, element.get("dataencoding", "Base64"), name) for beat in beats[:_MOST_LEADS]
    ]
    lengths = {row.size for row in rows}
    if not (
        0 < fs < 1e5
        and 0 < step_mv < 1e3
        and len(lengths) == 1
        and 0 < max(lengths) <= _LONGEST_S * fs
    ):
        if any(lengths):
            remarks.append(
                Remark(
                    code="median-left-out",
                    text="The file holds a representative beat without a usable rate, step or "
                    "length; it was not read.",
                )
            )
        return None
    spelled = [beat.get("leadname", "").strip() for beat in beats[:_MOST_LEADS]]
    leads = unique_leads([canonical_lead(lead) or lead[:40] or "lead" for lead in spelled], remarks)
    stored = np.stack(rows)
    is_held = stored != _FILLER
    n_samples = int(np.flatnonzero(is_held.any(axis=0))[-1]) + 1 if is_held.any() else 0
    signal = np.where(is_held, stored * step_mv, np.nan)[:, :n_samples]
    return MedianBeat(signal=signal, fs=fs, leads=leads, **_marks(root, beats, fs, n_samples))  # type: ignore[arg-type]


def _samples(beat: Element, encoding: str, name: str) -> np.ndarray:
    holder = beat.find("waveform")
    text = (beat if holder is None else holder).text
    what = "the representative beat"
    if encoding.lower() == "plain":
        return parse_integers(text, name=name, what=what)
    return sixteen_bit_samples(decode_base64(text, name=name, what=what), name=name, what=what)


def _marks(root: Element, beats: list[Element], fs: float, n_samples: int) -> dict[str, float]:
    """Return boundaries in samples."""
    told = _of_all_leads(root, beats)
    at = {
        "qrs_onset": told["qonset"],
        "qrs_offset": told["qonset"] + told["qrsdur"],
        "p_onset": told["qonset"] - told["print"],
        "p_offset": told["qonset"] - told["print"] + told["pdur"],
        "t_onset": told["tonset"],
        "t_offset": told["qonset"] + told["qtint"],
    }
    if not told["pdur"] <= told["print"]:
        del at["p_offset"]
    found = {mark: ms * fs / 1000 for mark, ms in at.items()}
    return {mark: sample for mark, sample in found.items() if 0 < sample < n_samples}


def _of_all_leads(root: Element, beats: list[Element]) -> dict[str, float]:
    """Return what holds for all leads, ms; NaN where the leads differ or nothing is said."""
    overall = root.find("interpretations/interpretation/globalmeasurements")
    told = {}
    for mark in _MARKS:
        texts = {beat.get(mark) or text_at(beat, mark) for beat in beats}
        text = text_at(overall, mark) or (texts.pop() if len(texts) == 1 else "")
        told[mark] = float(text) if text.isdecimal() and 0 < len(text) < 7 else np.nan
        if told[mark] == 0:
            told[mark] = np.nan
    return told
