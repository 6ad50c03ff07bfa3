# SPDX-License-Identifier: Apache-2.0
"""Sizes and durations of every single beat in every lead, as others publish them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.fiducials import Fiducials, Waves
from precordia.core.record import Record
from precordia.measurement.st_segment import isoelectric_level

#: features of a beat in a lead: amplitudes in mV from the level before the QRS, durations in ms
BEAT_FEATURES = (
    *("p_mv", "p_ms", "pr_ms", "q_mv", "r_mv", "s_mv", "qrs_ms"),
    *("st_j60_mv", "t_mv", "t_ms", "qt_ms"),
)
_ST_MS = 60.0


def beat_features(
    record: Record, fiducials: Fiducials
) -> dict[str, dict[str, Float[np.ndarray, " beat"]]]:
    """Measure every beat in every lead by itself.

    Parameters
    ----------
    record
        The recording.
    fiducials
        Its waves, lead by lead.

    Returns
    -------
    By lead and by name (`BEAT_FEATURES`), one number for each row that holds a QRS complex; NaN
    where the wave or its bound was not seen.

    Notes
    -----
    Single beats carry the noise of single beats: what ``measure`` says of a lead is that of the
    median beat. Amplitudes are read at the peak of the lead itself, ST at the one sample 60 ms
    after the lead's end of QRS.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.delineation.delineate import delineate
    >>> record = simulate("sinus", seed=1)
    >>> features = beat_features(record, delineate(record))
    >>> len(features), round(float(np.nanmedian(features["II"]["qrs_ms"])) / 10)
    (12, 10)
    """
    rows = np.flatnonzero(fiducials.has_qrs)
    return {
        lead: _of_lead(record.signal[k], record.fs, waves, rows)
        for k, lead in enumerate(record.leads)
        if (waves := fiducials.leads.get(lead)) is not None
    }


def _of_lead(
    signal: Float[np.ndarray, " sample"], fs: float, waves: Waves, rows: np.ndarray
) -> dict[str, Float[np.ndarray, " beat"]]:
    at = {name: getattr(waves, name)[rows] for name in _NEEDED}
    level = np.array(
        [
            isoelectric_level(signal[None], on, fs)[0] if np.isfinite(on) else np.nan
            for on in at["qrs_onset"]
        ]
    )
    ms = 1000.0 / fs
    found = {
        f"{wave}_mv": _at(signal, at[f"{wave}_peak"]) - level for wave in ("p", "q", "r", "s", "t")
    }
    found["st_j60_mv"] = _at(signal, at["qrs_offset"] + _ST_MS / ms) - level
    found["p_ms"] = (at["p_offset"] - at["p_onset"]) * ms
    found["pr_ms"] = (at["qrs_onset"] - at["p_onset"]) * ms
    found["qrs_ms"] = (at["qrs_offset"] - at["qrs_onset"]) * ms
    found["t_ms"] = (at["t_offset"] - at["t_onset"]) * ms
    found["qt_ms"] = (at["t_offset"] - at["qrs_onset"]) * ms
    return {name: found[name] for name in BEAT_FEATURES}


_NEEDED = (
    *("p_onset", "p_peak", "p_offset", "qrs_onset", "q_peak", "r_peak", "s_peak", "qrs_offset"),
    *("t_onset", "t_peak", "t_offset"),
)


def _at(
    signal: Float[np.ndarray, " sample"], position: Float[np.ndarray, " beat"]
) -> Float[np.ndarray, " beat"]:
    """Return the sample nearest to each position; NaN where there is none."""
    out = np.full(position.shape, np.nan)
    there = np.isfinite(position) & (position >= 0) & (position <= signal.size - 1)
    out[there] = signal[np.round(position[there]).astype(np.int64)]
    return out
