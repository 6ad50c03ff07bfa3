# SPDX-License-Identifier: Apache-2.0
"""Six intervals of lead II, as they were measured for the published answers of ECG-QA."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.ecg_qa_waves import FS, LabelledWaves, waves_as_labelled
from precordia.core.record import Record
from precordia.questions.limits import Limits
from precordia.signal.resample import resample

#: recordings that lost their millivolts: the median spread of a filtered lead II in PTB-XL, mV
_USUAL_SPREAD_MV = 0.134
#: limits that the answers agree with: those of the authors' public code, QTc by agreement
LABELLED_LIMITS = Limits(
    normal={
        "rr interval": (600.0, 1000.0),
        "p duration": (0.0, 120.0),
        "pr interval": (120.0, 200.0),
        "qrs duration": (60.0, 110.0),
        "qt interval": (330.0, 430.0),
        "qt corrected": (330.0, 450.0),
    }
)


def intervals_as_labelled(record: Record, *, normalised: bool = False) -> dict[str, float]:
    """Return the six intervals of lead II as ECG-QA's authors measured them, ms.

    Parameters
    ----------
    record
        A recording with lead II.
    normalised
        Whether its leads were scaled to a deviation of 1; then lead II is taken to vary as much as
        it usually does.

    Returns
    -------
    The intervals by name, medians over beats; NaN where waves were not found, nothing without
    lead II.

    Notes
    -----
    Not for clinical use. From the authors' public code (Jwoo5/fairseq-signals, encoding of PTB-XL)
    come the program, lead II, the waves that each interval spans, one sample that is added, RR
    intervals below 2 s, and QTc by Bazett with the RR interval before; that file keeps the longest
    and shortest interval, and limits of QTc of 330 and 555 ms. That the answers are
    given back by medians, by QRS from the peak of Q to the peak of S, and by 330 to 450 ms for
    QTc, was found by comparing with the answers themselves. Departures: recordings at another
    rate are resampled to 500 Hz.

    References
    ----------
    Oh J et al. ECG-QA. NeurIPS 2023. doi:10.48550/arXiv.2306.15681

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> round(intervals_as_labelled(simulate(seed=1, heart_rate_bpm=60))["rr interval"], -2)
    1000.0
    """
    if "II" not in record.leads:
        return {}
    lead = np.nan_to_num(np.asarray(record.signal[record.leads.index("II")], float))
    if normalised:
        lead = lead * _USUAL_SPREAD_MV
    if record.fs != FS:
        lead = resample(lead, record.fs, FS)
    return intervals_of_waves(waves_as_labelled(lead))


def intervals_of_waves(waves: LabelledWaves) -> dict[str, float]:
    """Return the intervals (ms) of waves; see `intervals_as_labelled`."""
    rr = np.diff(waves.r_peak) / FS
    qt = (waves.t_offset - waves.q_peak + 1) / FS
    return {
        "rr interval": _median_ms(rr[rr < 2.0]),
        "p duration": _median_ms((waves.p_offset - waves.p_onset + 1) / FS),
        "pr interval": _median_ms((waves.qrs_onset - waves.p_onset + 1) / FS),
        "qrs duration": _median_ms((waves.s_peak - waves.q_peak + 1) / FS),
        "qt interval": _median_ms(qt),
        "qt corrected": _median_ms(qt[1:] / np.sqrt(rr)),
    }


def _median_ms(spans: Float[np.ndarray, " beat"]) -> float:
    spans = spans[np.isfinite(spans)]
    # to 1 us, so that 0.11 s at the limit is not above it by rounding
    return round(float(np.median(spans)) * 1000.0, 3) if spans.size else math.nan
