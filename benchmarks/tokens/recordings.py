# SPDX-License-Identifier: Apache-2.0
"""Recordings of PTB-XL by fold, and how a tokenizer does on them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.core.record import Record
from precordia.datasets.dataset import load_dataset
from precordia.tokens.tokenizer import Tokenizer


def records_of(data: Path, folds: Iterable[int]) -> tuple[list[Record], list[str]]:
    """Read the records of some folds, with the patient of each."""
    wanted = {str(fold) for fold in folds}
    items = [i for i in load_dataset("ptbxl", data / "ptbxl", task="all") if str(i.fold) in wanted]
    return [i.read() for i in items], [str(i.patient.patient_id) for i in items]


def measured(tokenizer: Tokenizer, records: list[Record]) -> dict[str, np.ndarray]:
    """Encode and decode each record; a column a figure."""
    rows = []
    for record in records:
        tokens = tokenizer.encode(record)
        lost = tokenizer.distortion(record, tokenizer.decode(tokens))
        rows.append({
            "tokens_per_s": len(tokens) / (tokens.duration_s * len(tokens.leads)),
            "bits_per_s": tokenizer.rate(tokens),
            "entropy_bits_per_s": tokenizer.rate(tokens, coding="entropy"),
            "prd_percent": lost.prd_percent,
            "rmse_mv": lost.rmse_mv,
            "rpeak_ms": lost.rpeak_ms,
            "n_rpeaks": lost.n_rpeaks,
            "n_lost": lost.n_lost,
            "n_extra": lost.n_extra,
        })  # fmt: skip
    return {key: np.array([row[key] for row in rows], float) for key in rows[0]}


def mean_interval(values: np.ndarray, patients: list[str]) -> tuple[float, float]:
    """Interval of a mean over records, by drawing patients."""
    known = np.isfinite(values)
    weights = draw_patients(patients)[:, known]
    return interval(lambda w: w @ values[known] / w.sum(axis=1), weights)


def scores_of(tokenizer: Tokenizer, records: list[Record], patients: list[str]) -> dict:
    """Means over records, the distortion with its interval."""
    held = measured(tokenizer, records)
    beats = held["n_rpeaks"].sum()
    return {
        "symbols": tokenizer.n_symbols,
        "tokens_per_s": held["tokens_per_s"].mean(),
        "bits_per_s": held["bits_per_s"].mean(),
        "entropy_bits_per_s": held["entropy_bits_per_s"].mean(),
        "prd_percent": held["prd_percent"].mean(),
        "prd_percent_95": mean_interval(held["prd_percent"], patients),
        "rmse_mv": held["rmse_mv"].mean(),
        "rpeak_ms": float(np.nanmean(held["rpeak_ms"])),
        "rpeaks_lost_percent": 100 * held["n_lost"].sum() / beats,
        "rpeaks_extra_percent": 100 * held["n_extra"].sum() / beats,
    }
