# SPDX-License-Identifier: Apache-2.0
"""Whether the leads were scaled one by one, so that their millivolts are none."""

from __future__ import annotations

import numpy as np

from precordia.core.record import Record

#: leads of a real recording never span the same range; rounding leaves less than this
_ALIKE = 0.005
_FEWEST_LEADS = 3


def scaled_one_by_one(record: Record) -> str:
    """Tell why the leads of a record have lost their relative size, if they have.

    Parameters
    ----------
    record
        The recording.

    Returns
    -------
    A reason, empty where nothing speaks against the millivolts.

    Notes
    -----
    A lead that was divided by its own range (or its own largest value) spans what every other
    lead spans. Durations and shapes within a lead survive that; voltages, ST levels and the
    electrical axis do not. Copies of the Lobachevsky database (LUDB) are like that.

    Examples
    --------
    >>> wave = np.sin(np.arange(1000.0) / 20) * np.ones((3, 1))
    >>> scaled_one_by_one(Record(signal=wave, fs=500, leads=("I", "II", "V1")))
    'every lead spans the same 2 mV: the leads were scaled one by one'
    """
    if record.n_leads < _FEWEST_LEADS or record.n_samples < 2:
        return ""
    span = np.fmax.reduce(record.signal, axis=1) - np.fmin.reduce(record.signal, axis=1)
    typical = float(np.median(span))
    if not typical > 0 or not np.all(np.abs(span - typical) < _ALIKE * typical):
        return ""
    return f"every lead spans the same {typical:.3g} mV: the leads were scaled one by one"
