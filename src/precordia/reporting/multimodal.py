# SPDX-License-Identifier: Apache-2.0
"""One recording in four parts under one name: signal, drawing, numbers of every beat, and text."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import OutputError
from precordia.core.output import write_text_whole
from precordia.core.record import Carried, Record
from precordia.core.report import Language
from precordia.core.study import DISCLAIMER, Study
from precordia.reporting.grounding import score_grounding
from precordia.reporting.report import report

SCHEMA = "precordia-multimodal-1"
ENTRY, IMAGE, SIGNAL = "entry.json", "ecg.png", "signal"
SPEED_MM_S, GAIN_MM_MV, DPI = 25.0, 10.0, 150.0
#: ages above this one are not told, since few people reach them
_OLDEST_TOLD = 89.0
_NUMBERS = (
    *("heart_rate_bpm", "rr_mean_ms", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms"),
    *("p_axis_deg", "qrs_axis_deg", "t_axis_deg"),
)


def multimodal_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every exported entry follows.

    Examples
    --------
    >>> multimodal_schema()["properties"]["schema"]["const"]
    'precordia-multimodal-1'
    """
    text = files("precordia.reporting").joinpath("multimodal.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def entry_id(study: Study) -> str:
    """Return a name for a recording that tells nobody whose it is.

    Parameters
    ----------
    study
        The recording.

    Returns
    -------
    Twelve hexadecimal digits, the same for the same samples, leads and rate.
    """
    record = study.record
    digest = hashlib.sha256(np.ascontiguousarray(record.signal, "<f4").tobytes())
    digest.update(f"{','.join(record.leads)} {record.fs:g}".encode())
    return digest.hexdigest()[:12]


def multimodal_entry(
    study: Study, name: str, *, language: Language = "en", identifiers: bool = False
) -> dict[str, Any]:
    """Return what is written of one recording beside its signal and drawing.

    Parameters
    ----------
    study
        The recording.
    name
        Its name in the set.
    language
        Of the interpretation.
    identifiers
        Keep the patient's identifier, and free text of the file, which may name people.

    Returns
    -------
    Plain dicts, lists, strings and numbers that follow `multimodal_schema`.

    Notes
    -----
    The parts are those of MEETI (signal, image, features of every beat, report, interpretation).
    *Departures.* QT is measured from the onset of the QRS complex; a number that could not be
    measured is null; the interpretation is written from claims, which stand beside each sentence,
    and not by a language model.

    References
    ----------
    Zhang D et al. MEETI: a multimodal ECG dataset from MIMIC-IV-ECG with signals, images, features
    and interpretations. arXiv:2507.15255.
    """
    record = study.record
    written = report(study, "paragraph", language=language)
    score = score_grounding(written, study)
    age = record.patient.age_years
    parts = ("quality", "fiducials", "measurements", "findings")
    return {
        "schema": SCHEMA,
        "id": name,
        "notice": DISCLAIMER,
        "patient": {
            "patient_id": record.patient.patient_id if identifiers else None,
            "age_years": _plain(age) if age <= _OLDEST_TOLD or identifiers else None,
            "sex": record.patient.sex,
        },
        "signal": {
            "file": f"{SIGNAL}.hea",
            "leads": list(record.leads),
            "fs": record.fs,
            "n_samples": record.n_samples,
            "unit": "mV",
            "origin": record.origin,
        },
        "image": {"file": IMAGE, "speed_mm_s": SPEED_MM_S, "gain_mm_mv": GAIN_MM_MV, "dpi": DPI},
        "features": _features(study),
        "report": _statements(study, identifiers),
        "interpretation": {
            "language": written.language,
            "text": str(written),
            "sentences": [sentence.to_dict() for sentence in written.sentences],
            "grounding": score.to_dict(),
        },
        "findings": [
            {"code": f.code, "scheme": f.scheme, "name": f.name, "probability": f.probability,
             "method": f.method, "leads": list(f.leads)}
            for f in study.findings.present
        ],
        "quality": {
            "acceptable": study.quality.acceptable,
            "score": study.quality.score,
            "unusable_leads": [k for k, lead in study.quality.leads.items() if not lead.usable],
        },
        "provenance": {
            "study": str(study.source),
            "report": str(written.source),
            **{part: str(getattr(study, part).source) for part in parts},
        },
    }  # fmt: skip


def _unnamed(record: Record) -> Record:
    """Return a record without its date, free text, remarks, and an age that few people reach."""
    age = record.patient.age_years
    patient = dataclasses.replace(
        record.patient, age_years=age if age <= _OLDEST_TOLD else math.nan
    )
    coded = tuple(s for s in record.carried.statements if s.scheme != "text")
    carried = Carried(statements=coded)
    return dataclasses.replace(
        record, patient=patient, start_time=None, carried=carried, remarks=(), companions=()
    )


def _features(study: Study) -> dict[str, Any]:
    from precordia.measurement.beat_features import beat_features

    m = study.measurements
    at = study.fiducials.r_peak[study.fiducials.has_qrs] / study.fiducials.fs
    same = len(m.beats) == at.size
    return {
        "record": {name: _plain(getattr(m, name)) for name in _NUMBERS},
        "beats": {
            "r_peak_s": _list(at),
            "kind": [str(kind) for kind in m.beats.kind] if same else [None] * at.size,
            "rr_ms": _list(m.beats.rr_ms) if same else [None] * at.size,
        },
        "leads": {
            lead: {name: _list(values) for name, values in found.items()}
            for lead, found in beat_features(study.record, study.fiducials).items()
        },
    }


def _plain(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def _list(values: np.ndarray) -> list[float | None]:
    return [_plain(value) for value in values.tolist()]


def _statements(study: Study, identifiers: bool) -> list[dict[str, str]]:
    """Return what the file itself says; free text may name people."""
    return [
        {"scheme": s.scheme, "code": s.code, "name": s.name}
        for s in study.record.carried.statements
        if identifiers or s.scheme != "text"
    ]


def write_multimodal(
    study: Study,
    folder: Path,
    name: str,
    *,
    language: Language = "en",
    identifiers: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write signal, drawing and entry of one recording into a folder.

    Parameters
    ----------
    study, name, language, identifiers
        As in `multimodal_entry`.
    folder
        The folder; the entry is written last, so where it is, the others are whole.
    overwrite
        Replace what is there.

    Returns
    -------
    The entry.

    Raises
    ------
    OutputError
        If something is there already, or the recording has no signal.
    """
    from precordia.io.array_metadata import without_identifiers
    from precordia.io.write import write
    from precordia.plotting.plot import plot

    if not study.record.n_leads:
        raise OutputError("the file holds beat times and no signal; a signal is needed to export.")
    entry = multimodal_entry(study, name, language=language, identifiers=identifiers)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' could not be made ({error.strerror}). Choose another."
        ) from error
    record = study.record if identifiers else _unnamed(without_identifiers(study.record))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the format cannot hold stands in the entry
        write(record, folder / f"{SIGNAL}.hea", overwrite=overwrite)
    drawing = plot(study.record, speed_mm_s=SPEED_MM_S, gain_mm_mv=GAIN_MM_MV)
    drawing.save(folder / IMAGE, dpi=DPI, overwrite=overwrite)
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False, indent=1)
    write_text_whole(text + "\n", folder / ENTRY, overwrite=overwrite)
    return entry
