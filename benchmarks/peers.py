# SPDX-License-Identifier: Apache-2.0
"""Other libraries as methods of our benchmarks: each takes a record and gives what the task scores.

They are used as their documentation says, with default settings, and imported when used.
"""

from __future__ import annotations

import warnings

import numpy as np

from precordia.core.fiducials import POSITIONS, Fiducials, Waves, empty_waves
from precordia.core.record import Record

#: task -> name in tables -> function of this file
PEERS = {
    "rpeaks": {
        "sleepecg": "sleepecg_rpeaks",
        "neurokit2": "neurokit2_rpeaks",
        "wfdb-xqrs": "xqrs_rpeaks",
    },
    "delineation": {"neurokit2-dwt": "neurokit2_waves"},
    "quality": {},
}


def sleepecg_rpeaks(record: Record) -> np.ndarray:
    import sleepecg

    return sleepecg.detect_heartbeats(record.signal[0].astype(float), record.fs)


def xqrs_rpeaks(record: Record) -> np.ndarray:
    from wfdb import processing

    return processing.xqrs_detect(record.signal[0].astype(float), record.fs, verbose=False)


def neurokit2_rpeaks(record: Record) -> np.ndarray:
    import neurokit2

    rate = round(record.fs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = neurokit2.ecg_clean(record.signal[0].astype(float), sampling_rate=rate)
        return neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]


#: columns of neurokit2 for our fields
_COLUMNS = {
    "p_onset": "ECG_P_Onsets",
    "p_peak": "ECG_P_Peaks",
    "p_offset": "ECG_P_Offsets",
    "qrs_onset": "ECG_R_Onsets",
    "qrs_offset": "ECG_R_Offsets",
    "t_onset": "ECG_T_Onsets",
    "t_peak": "ECG_T_Peaks",
    "t_offset": "ECG_T_Offsets",
}


def neurokit2_waves(record: Record) -> Fiducials:
    """Each lead by itself; it has no joint bounds, so those of all leads are left absent."""
    leads = {
        name: _neurokit2_lead(x, record.fs)
        for name, x in zip(record.leads, record.signal, strict=True)
    }
    n = max((waves.n_cycles for waves in leads.values()), default=0)
    leads = {name: _padded(waves, n) for name, waves in leads.items()}
    nothing = empty_waves(n)
    return Fiducials(
        fs=record.fs,
        n_samples=record.n_samples,
        leads=leads,
        **{name: getattr(nothing, name) for name in nothing.__slots__},
    )


def _neurokit2_lead(signal: np.ndarray, fs: float) -> Waves:
    import neurokit2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            clean = neurokit2.ecg_clean(signal.astype(float), sampling_rate=round(fs))
            peaks = neurokit2.ecg_peaks(clean, sampling_rate=round(fs))[1]["ECG_R_Peaks"]
            found = neurokit2.ecg_delineate(clean, peaks, sampling_rate=round(fs), method="dwt")[1]
        except (ValueError, IndexError, ZeroDivisionError, TypeError, KeyError):
            return empty_waves(0)  # it gives up on this lead
    rows = {name: np.asarray(found[column], float) for name, column in _COLUMNS.items()}
    rows["r_peak"] = np.asarray(peaks, float)
    n = max(map(len, rows.values()))
    empty = {name: getattr(empty_waves(n), name) for name in empty_waves(0).__slots__}
    return Waves(**empty | {name: _long(row, n) for name, row in rows.items() if name in POSITIONS})


def _long(row: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([row, np.full(n - len(row), np.nan)])


def _padded(waves: Waves, n: int) -> Waves:
    return Waves(**{name: _long(getattr(waves, name), n) for name in waves.__slots__})
