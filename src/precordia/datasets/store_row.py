# SPDX-License-Identifier: Apache-2.0
"""One recording of a database as rows of a store."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import PrecordiaError, SignalError
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.datasets.item import Item
from precordia.datasets.store_part import StorePart
from precordia.datasets.store_quantise import quantise
from precordia.datasets.store_settings import StoreSettings
from precordia.datasets.store_signal import pack
from precordia.signal.resample import resample_record

#: bytes of one packed signal: Parquet counts pages in 31 bits
_LARGEST = 1 << 30


@dataclass(slots=True)
class Encoded:
    """What became of an item: its rows, or why there are none.

    Attributes
    ----------
    rows
        One dict a row, with every column of the store.
    reason
        Why it was left out; empty where it was not.
    upwards_from
        Its sampling rate where that is lower than the store's, Hz; else 0.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""
    upwards_from: float = 0.0


def encode_item(
    item: Item,
    *,
    part: StorePart,
    settings: StoreSettings,
    root: str,
    quality: Callable[[Record], Quality] | None = None,
    files: bool = True,
) -> Encoded:
    """Read an item and turn it into rows.

    Parameters
    ----------
    item
        The recording.
    part
        Its database.
    settings
        Rate, leads and length that are wanted.
    root
        Folder of the database.
    quality
        Assesses the recording as it was read.
    files
        Store the names of files.

    Returns
    -------
    Rows, or the reason why the recording was left out.
    """
    try:
        record = item.read()
        verdict = quality(record) if quality is not None else None
        about = _about(item, record, part, root) | _said_of(verdict)
        if not files:
            about["source_file"] = ""
        rows = [
            about | _held(piece, start_s)
            for start_s, piece in _pieces(_fitted(record, settings), settings.seconds)
        ]
    except (PrecordiaError, OSError, MemoryError) as error:
        return Encoded(reason=str(error) or type(error).__name__)
    return Encoded(rows=rows, upwards_from=record.fs if record.fs < settings.fs else 0.0)


def _fitted(record: Record, settings: StoreSettings) -> Record:
    """Bring a record to the leads and the rate of the store."""
    if settings.leads:
        rows = [record.leads.index(lead) for lead in settings.leads if lead in record.leads]
        if not rows:
            raise SignalError(
                f"it has the leads {', '.join(record.leads) or 'none'}; the store keeps "
                f"{', '.join(settings.leads)}. Choose others with leads=, --leads."
            )
        record = dataclasses.replace(
            record,
            signal=record.signal[rows],
            leads=tuple(record.leads[row] for row in rows),
        )
    if settings.fs and record.fs != settings.fs:
        record = resample_record(record, fs=settings.fs)
    return record


def _pieces(record: Record, seconds: float) -> list[tuple[float, Record]]:
    """Cut a record into pieces of a length; what is shorter than one piece stays whole."""
    n = round(seconds * record.fs)
    if not n or record.n_samples <= n:
        return [(0.0, record)]
    return [
        (start / record.fs, dataclasses.replace(record, signal=record.signal[:, start : start + n]))
        for start in range(0, record.n_samples - n + 1, n)
    ]


def _held(record: Record, start_s: float) -> dict[str, Any]:
    """Return the columns of the signal."""
    there = [row for row, lead in enumerate(record.signal) if not np.isnan(lead).all()]
    if not there or not record.n_samples:
        raise SignalError("it holds no sample.")
    held = quantise(record.signal[there])
    if 2 * held.units.size > _LARGEST:
        raise SignalError(
            f"it has {held.units.size} samples, more than fit into one row of a store. Cut "
            "recordings into pieces with seconds=, --seconds."
        )
    return {
        "start_s": start_s,
        "fs": record.fs,
        "n_samples": record.n_samples,
        "leads": [record.leads[row] for row in there],
        "absent": [name for row, name in enumerate(record.leads) if row not in there],
        "scale_mv": list(held.scale_mv),
        "n_missing": held.n_missing,
        "error_mv": held.error_mv,
        "signal": pack(held.units),
    }


def _about(item: Item, record: Record, part: StorePart, root: str) -> dict[str, Any]:
    """Return the columns that hold what is known beside the signal."""
    known = item.known_as or item.patient.patient_id
    path = item.path
    return {
        "dataset": part.dataset,
        "dataset_version": part.version,
        "licence": part.licence,
        "name": item.name,
        "labels": list(item.labels),
        "statements": [
            {"code": s.code, "scheme": s.scheme, "name": s.name,
             "likelihood": None if math.isnan(s.likelihood) else s.likelihood}
            for s in item.statements
        ],
        "report": item.report,
        "patient_id": known or None,
        "fold": item.fold,
        "age_years": record.patient.age_years,
        "sex": record.patient.sex,
        "device": item.facts.get("device") or _device(record),
        "origin": record.origin,
        "source_file": _below(path, root),
        "source_bytes": path.stat().st_size,
    }  # fmt: skip


def _below(path: Path, root: str) -> str:
    """Name a file without the folder of the database, which is nobody's business."""
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name


def _device(record: Record) -> str:
    header = record.carried.header
    words = (header.get("manufacturer", ""), header.get("device_model", ""))
    return " ".join(word for word in words if word)


def _said_of(verdict: Quality | None) -> dict[str, Any]:
    return {
        "quality_score": math.nan if verdict is None else verdict.score,
        "acceptable": None if verdict is None else verdict.acceptable,
        "quality_reasons": [] if verdict is None else [str(r) for r in verdict.reasons],
    }
